"""The basket: product and quantity, kept in the session."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from catalogue.models import Product

_KEY = "basket"
_MOST = 99


@dataclass(frozen=True)
class Item:
    product: Product
    quantity: int

    @property
    def total(self) -> Decimal:
        return self.product.price * self.quantity


def items(request: HttpRequest) -> list[Item]:
    """What lies in it; what is no longer sold is left out."""
    wanted: dict[str, int] = request.session.get(_KEY, {})
    products = Product.objects.filter(pk__in=wanted)
    return [Item(product, wanted[str(product.pk)]) for product in products]


def add(request: HttpRequest, product: Product) -> None:
    wanted = request.session.setdefault(_KEY, {})
    key = str(product.pk)
    wanted[key] = min(wanted.get(key, 0) + 1, _MOST)
    request.session.modified = True


def remove(request: HttpRequest, product: Product) -> None:
    request.session.get(_KEY, {}).pop(str(product.pk), None)
    request.session.modified = True


def empty(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)


def in_templates(request: HttpRequest) -> dict[str, Any]:
    """The number beside the basket. A visitor without a session is not given one by looking around."""
    if request.COOKIES.get("sessionid") is None:
        return {"basket_count": 0}
    return {"basket_count": sum(request.session.get(_KEY, {}).values())}
