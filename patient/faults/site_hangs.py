"""The web server hangs: it takes connections and never answers.

The browser waits until it gives up.
Watchpost names it: site.unreachable.timeout.
"""

from patient.stand import Stand

CODES = ("site.unreachable.timeout",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.children[shop.front].freeze()


def heal(shop: Stand) -> None:
    shop.children[shop.front].thaw()
