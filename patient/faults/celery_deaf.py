"""The Celery workers lost the broker and did not resume: they live, and take no task.

Nothing is wrong with their processes; orders are never confirmed.
Watchpost names it: celery.not_answering.
"""

from patient.stand import Stand

CODES = ("celery.not_answering",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.wedge("celery_deaf", does="deafen")
    shop.wait_deaf()
    for queues in shop.queues.values():
        shop.publish("orders.tasks.count_bestsellers", 1, queues[-1])


def heal(shop: Stand) -> None:
    shop.unwedge("celery_deaf")
