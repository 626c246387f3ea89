"""The domain is at another registrar.

Nothing is seen yet: moved on purpose, or stolen.
Watchpost names it: domain.registrar_changed.
"""

from patient.full import Full

CODES = ("domain.registrar_changed",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.registry.say(registrar="1068")


def heal(shop: Full) -> None:
    shop.registry.say()
