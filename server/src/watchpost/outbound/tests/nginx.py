"""A real nginx on a free loopback port, for what a small server of our own cannot speak.

Without nginx the tests are skipped, but never in CI.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

_CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} {listen};
    ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.pem;
    {more}
    location / {{ return 200 "hello"; }}
    location /away {{ return 302 /; }}
  }}
}}
"""


@contextlib.asynccontextmanager
async def run_nginx(
    folder: Path, certificate: trustme.LeafCert, listen: str, more: str = ""
) -> AsyncIterator[int]:
    """Serves with ``listen`` options such as ``ssl http2``, and ``more`` directives, until left."""
    if shutil.which("nginx") is None and not os.environ.get("CI"):
        pytest.skip("nginx is missing: HTTP/2 was not looked at")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "site.pem")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (folder / "nginx.conf").write_text(_CONF.format(folder=folder, port=port, listen=listen, more=more))
    process = await asyncio.create_subprocess_exec(
        "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")
    )
    try:
        await _wait_for(port, process)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _wait_for(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(10):
        while True:
            assert process.returncode is None, "nginx did not start"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
