"""The registrar has put the domain on hold.

Nobody finds the shop any more, although it runs and is paid for.
Watchpost names it: domain.on_hold.
"""

from patient.full import Full
from patient.names import Change
from patient.registry import LOCKED

CODES = ("domain.on_hold",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.registry.say(statuses=("client hold", LOCKED))
    shop.names.change("domain_on_hold", Change(delegated=()))


def heal(shop: Full) -> None:
    shop.registry.say()
    shop.names.restore("domain_on_hold")
