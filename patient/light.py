"""The light stand: SQLite, gunicorn, Celery on a broker of files, caches of files. Python alone."""

from __future__ import annotations

from pathlib import Path

from patient.child import free_port
from patient.stand import Stand


class Light(Stand):
    runs = "light"
    queues = {"worker": ("celery", "mail")}

    def __init__(self, folder: Path, port: int = 8000) -> None:
        """``port``: preferred; another one if it is taken."""
        super().__init__(folder)
        self.port, self._mail_port = free_port(port), free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.database = self.folder / "shop.sqlite3"
        self.static, self.cache = self.folder / "static", self.folder / "cache"
        self._add_mail(self._mail_port)
        self._add_web(self.port)
        self._add_worker("worker")
        self._add_beat()
        self._add_traffic()

    def prepare(self) -> None:
        for name in ("cache", "pages", "broker/queues", "broker/control"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.manage("prepare")

    def _addresses(self) -> dict[str, str]:
        return {
            "DATABASE_URL": f"sqlite:///{self.database}",
            "CACHE_URL": f"file://{self.cache}",
            "PAGES_CACHE_URL": f"file://{self.folder}/pages",
            "BROKER_URL": f"filesystem://{self.folder}/broker",
            "EMAIL_URL": f"smtp://127.0.0.1:{self._mail_port}",
            "STATIC_ROOT": str(self.static),
            "MEDIA_ROOT": str(self.folder / "media"),
        }
