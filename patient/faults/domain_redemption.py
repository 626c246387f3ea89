"""The domain was not paid for and is in redemption.

Nobody finds the shop any more, although it runs; for some weeks it can be bought back.
Watchpost names it: domain.redemption.
"""

from patient.full import Full
from patient.names import Change

CODES = ("domain.redemption",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.registry.say(days=-40, statuses=("redemption period",))
    shop.names.change("domain_redemption", Change(delegated=()))


def heal(shop: Full) -> None:
    shop.registry.say()
    shop.names.restore("domain_redemption")
