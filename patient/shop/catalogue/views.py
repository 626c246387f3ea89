"""Pages of the catalogue."""

import csv
import time
from collections.abc import Iterator
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.generic import DetailView, ListView

from catalogue.models import Category, Product

_SUPPLIER_S = 0.03  # how long the supplier takes to say what a product costs


class Home(ListView):
    """All products, or those of a category, twelve a page."""

    template_name = "catalogue/home.html"
    context_object_name = "products"
    paginate_by = 12

    def get_queryset(self) -> QuerySet[Product]:
        products = Product.objects.select_related("category")
        slug = self.kwargs.get("category")
        self.category = get_object_or_404(Category, slug=slug) if slug else None
        return products.filter(category=self.category) if self.category else products

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(
            **more,
            category=self.category,
            categories=Category.objects.all(),
            bestsellers=cache.get("bestsellers", []),
        )


class ProductPage(DetailView):
    queryset = Product.objects.select_related("category")
    template_name = "catalogue/product.html"


def export(request: HttpRequest) -> StreamingHttpResponse:
    """Everything as CSV. Slow on purpose: the supplier is asked for one product after the other."""
    answer = StreamingHttpResponse(_rows(), content_type="text/csv")
    answer["Content-Disposition"] = 'attachment; filename="products.csv"'
    return answer


class _Echo:
    def write(self, value: str) -> str:
        return value


def _rows() -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["name", "category", "price", "stock"])
    for product in Product.objects.all():
        time.sleep(_SUPPLIER_S)
        yield writer.writerow([product.name, product.category.name, product.price, product.stock])
