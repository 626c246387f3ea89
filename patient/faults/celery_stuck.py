"""All worker processes wait for an answer that never comes.

The worker answers when it is asked how it is, and nothing is done.
Watchpost names it: celery.stuck.
"""

from patient.stand import Stand

CODES = ("celery.stuck", "celery.backlog")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    if "celery_stuck" not in shop.kept:
        shop.kept["celery_stuck"] = True
        shop.wedge("celery_stuck")
        for queues in shop.queues.values():
            shop.publish("patient.wedge.tasks.hang", 2, queues[-1], "celery_stuck")


def heal(shop: Stand) -> None:
    """Such a worker is killed, as somebody would do; then the task is not known as a long one either."""
    shop.kept.pop("celery_stuck", None)
    shop.unwedge("celery_stuck")
    for name in shop.queues:
        shop.stop(name, with_kill=True)
        shop.start(name)
