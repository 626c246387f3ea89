"""Two hundred tasks wait in the queue, more than the workers can do.

Everything works, much later.
Watchpost names it: celery.backlog.
"""

from patient.stand import Stand

CODES = ("celery.backlog",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if "celery_backlog" not in shop.kept:
        shop.kept["celery_backlog"] = True
        shop.wedge("celery_backlog")
        shop.publish("patient.wedge.tasks.dawdle", 200, "celery", "celery_backlog")


def heal(shop: Stand) -> None:
    """They take no time any more, so that the queue is soon empty."""
    shop.kept.pop("celery_backlog", None)
    shop.unwedge("celery_backlog")
