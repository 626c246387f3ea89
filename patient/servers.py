"""The servers of the full stand that are not the shop: where they are found and how they are started."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from patient.stand import StandFailed

_NGINX = """\
daemon off; pid {folder}/nginx.pid; error_log {folder}/logs/nginx-error.log; worker_processes 1; {user}
events {{ }}
http {{
  types {{
    text/html html; text/css css; text/javascript js; image/svg+xml svg; application/json json;
  }}
  default_type application/octet-stream;
  access_log {folder}/logs/nginx-access.log;
  client_body_temp_path {temp}; proxy_temp_path {temp}; fastcgi_temp_path {temp}; uwsgi_temp_path {temp};
  scgi_temp_path {temp};
  server {{
    listen 127.0.0.1:{plain_port};
    {plain}
  }}
  # Each machine of the shop has its certificate in a folder of its own.
  map $server_addr $machine {{ default first; 127.0.0.2 second; }}
  server {{
    {listens}
    ssl_certificate {folder}/certificates/$machine/certificate.pem;
    ssl_certificate_key {folder}/certificates/$machine/key.pem;
    {more}
    location /static/ {{
      alias {static}/;
      expires max;
      add_header Cache-Control "public, immutable";
    }}
    location / {{
      {to_app}
      proxy_read_timeout {waits_s}s;
    }}
  }}
}}
"""
_TO_APP = """proxy_pass http://127.0.0.1:{app_port};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $remote_addr;"""


def find(program: str, package: str) -> str:
    """Its path. Raises StandFailed with what to install."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        raise StandFailed(f"the full stand needs {program}; install it (Debian: apt install {package})")
    return found


def is_root() -> bool:
    return os.geteuid() == 0


@dataclass(frozen=True)
class Front:
    """How nginx meets visitors. ``listens``: host:port, of https. Faults want it otherwise: ``more`` are
    lines of its configuration, for the server of the shop; ``is_redirecting``: from http to https;
    ``waits_s``: for the application."""

    port: int
    plain_port: int
    app_port: int
    listens: tuple[str, ...]
    is_redirecting: bool = True
    speaks_tls: bool = True
    waits_s: int = 20
    more: str = ""


def write_nginx(folder: Path, static: Path, front: Front) -> list[str]:
    """Its configuration; the command that runs it."""
    temp = folder / "nginx-temp"
    temp.mkdir(exist_ok=True)
    user = "user root;" if is_root() else ""  # else it cannot read what lies in our folder
    to_app = _TO_APP.format(app_port=front.app_port)
    redirect = f"return 301 https://$host:{front.port}$request_uri;"
    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(
            folder=folder,
            static=static,
            temp=temp,
            user=user,
            listens=" ".join(f"listen {one}{' ssl' if front.speaks_tls else ''};" for one in front.listens),
            plain_port=front.plain_port,
            plain=redirect if front.is_redirecting else f"location / {{ {to_app} }}",
            more=front.more,
            to_app=to_app,
            waits_s=front.waits_s,
        )
    )
    error_log = folder / "logs" / "nginx-error.log"
    return [find("nginx", "nginx"), "-p", str(folder), "-c", str(config), "-e", str(error_log)]


class Postgres:
    """PostgreSQL in a folder of its own. It refuses to run as root: root lends one to the user postgres."""

    def __init__(self, folder: Path, port: int, most_connections: int) -> None:
        self.port, self._most = port, most_connections
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb")) or [shutil.which("initdb") or ""]
        if not found[-1]:
            raise StandFailed("the full stand needs PostgreSQL; install it (Debian: apt install postgresql)")
        self._tools = Path(found[-1]).parent
        self.user = pwd.getpwnam("postgres").pw_uid if is_root() else None
        self.data = folder / "postgres"
        if self.user is not None:  # our folder may lie where that user cannot go
            self.data = Path(tempfile.mkdtemp(prefix="patient-postgres-"))
            os.chown(self.data, self.user, -1)

    def make(self) -> None:
        if (self.data / "PG_VERSION").is_file():
            return
        command = [
            f"{self._tools}/initdb",
            "-D",
            str(self.data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
        ]
        done = subprocess.run(command, user=self.user, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise StandFailed(f"initdb failed: {done.stderr.strip()}")

    def command(self) -> list[str]:
        options = ("listen_addresses=127.0.0.1", "fsync=off", f"max_connections={self._most}")
        set_ = [part for option in options for part in ("-c", option)]
        return [
            f"{self._tools}/postgres",
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            "-k",
            str(self.data),
            *set_,
        ]

    def is_ready(self) -> bool:
        command = [f"{self._tools}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def forget(self) -> None:
        """What root lent."""
        if self.user is not None:
            shutil.rmtree(self.data, ignore_errors=True)
