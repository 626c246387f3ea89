"""The way to the database has become long: each question takes a third of a second.

Pages come seconds later than they should.
Watchpost names it: database.slow.
"""

from patient.faults._ways import close, lengthen
from patient.full import Full

CODES = ("database.slow",)
SYMPTOMS = ("site.slow.wait", "site.slow.total")
RUNS = ("full",)


def break_(shop: Full) -> None:
    place = lengthen(shop, "postgres", 350)
    shop.change("database_slow", DATABASE_URL=f"postgresql://shop@{place}/shop")


def heal(shop: Full) -> None:
    shop.restore("database_slow")
    close(shop, "postgres")
