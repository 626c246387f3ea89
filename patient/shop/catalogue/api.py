"""A small JSON API, read only."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalogue.models import Product

_PER_PAGE = 20


@require_safe
def summary(request: HttpRequest) -> JsonResponse:
    counts = Product.objects.aggregate(products=Count("pk"), in_stock=Count("pk", filter=Q(stock__gt=0)))
    return JsonResponse({"shop": "Teapot & Sons", **counts})


@require_safe
def products(request: HttpRequest) -> JsonResponse:
    page = Paginator(Product.objects.select_related("category"), _PER_PAGE).get_page(request.GET.get("page"))
    return JsonResponse(
        {
            "page": page.number,
            "pages": page.paginator.num_pages,
            "products": [_as_json(product) for product in page],
        }
    )


@require_safe
def product(request: HttpRequest, slug: str) -> JsonResponse:
    return JsonResponse(_as_json(get_object_or_404(Product.objects.select_related("category"), slug=slug)))


def _as_json(product: Product) -> dict[str, Any]:
    return {
        "slug": product.slug,
        "name": product.name,
        "category": product.category.slug,
        "price": str(product.price),
        "stock": product.stock,
    }
