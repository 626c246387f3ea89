"""The domain's transfer lock is gone.

Nothing is seen: whoever knows the transfer code can take the domain away.
Watchpost names it: domain.transfer_lock_gone.
"""

from patient.full import Full

CODES = ("domain.transfer_lock_gone",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.registry.say(statuses=("active",))


def heal(shop: Full) -> None:
    shop.registry.say()
