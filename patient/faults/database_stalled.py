"""The database hangs: it takes connections and never answers.

Whoever has a connection works on; every new one waits until it gives up.
Watchpost names it: database.unreachable.
"""

from patient.full import Full

CODES = ("database.unreachable",)
SYMPTOMS = ("site.error_status", "site.slow.wait", "site.slow.total", "site.unreachable.timeout")
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.children["postgres"].freeze()


def heal(shop: Full) -> None:
    shop.children["postgres"].thaw()
