"""Basket, checkout, and what was ordered."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalogue.models import Product
from orders import basket, tasks
from orders.forms import CheckoutForm
from orders.models import Line, Order


@require_safe
def show_basket(request: HttpRequest) -> HttpResponse:
    found = basket.items(request)
    return render(request, "orders/basket.html", {"items": found, "total": sum(item.total for item in found)})


@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    product = get_object_or_404(Product, slug=slug)
    basket.add(request, product)
    messages.success(request, f"{product} is in your basket.")
    return redirect("basket")


@require_POST
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    basket.remove(request, get_object_or_404(Product, slug=slug))
    return redirect("basket")


@require_http_methods(["GET", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    found = basket.items(request)
    if not found:
        return redirect("basket")
    form = CheckoutForm(request.POST or None)
    if form.is_valid():
        order = _place(form, found)
        basket.empty(request)
        return redirect(order)
    context = {"form": form, "items": found, "total": sum(item.total for item in found)}
    return render(request, "orders/checkout.html", context)


@transaction.atomic
def _place(form: CheckoutForm, found: list[basket.Item]) -> Order:
    """Writes the order; the mail follows once it is in the database."""
    order = form.save()
    Line.objects.bulk_create(
        Line(order=order, product=item.product, quantity=item.quantity, price=item.product.price)
        for item in found
    )
    transaction.on_commit(lambda: tasks.send_confirmation.delay(order.pk), robust=True)
    return order


@require_safe
def show_order(request: HttpRequest, number: str) -> HttpResponse:
    order = get_object_or_404(Order.objects.prefetch_related("lines__product"), number=number)
    return render(request, "orders/order.html", {"order": order})
