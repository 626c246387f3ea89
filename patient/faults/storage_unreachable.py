"""The object storage of the uploads hangs: it takes connections and never answers.

Pages are fine; uploads fail.
Watchpost names it: storage.unreachable.
"""

import sys

from patient.child import answers, free_port
from patient.stand import Stand

CODES = ("storage.unreachable",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    port = shop.kept.setdefault("bucket", free_port())
    if "bucket" not in shop.children or not shop.children["bucket"].is_running():
        command = (sys.executable, "-m", "patient.bucket", str(port))
        shop.run("bucket", *command, is_ready=lambda: answers(port))
    one = {"BACKEND": "patient.wedge.storages.BucketStorage", "OPTIONS": {"url": f"http://127.0.0.1:{port}"}}
    shop.change("storage_unreachable", settings={"STORAGES.default": one})
    shop.children["bucket"].freeze()


def heal(shop: Stand) -> None:
    shop.restore("storage_unreachable")
    if "bucket" in shop.children:
        shop.stop("bucket")
