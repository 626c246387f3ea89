"""What happens behind the pages, by Celery."""

from datetime import timedelta

from celery import shared_task
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import send_mail
from django.db.models import Sum
from django.template.loader import render_to_string
from django.utils import timezone

from orders.models import Line, Order

_KEPT = timedelta(days=30)


@shared_task(autoretry_for=(OSError,), retry_backoff=True, max_retries=5)
def send_confirmation(order_id: int) -> None:
    """Keeps the invoice and mails the order to the customer."""
    order = Order.objects.prefetch_related("lines__product").get(pk=order_id)
    text = render_to_string("orders/confirmation.txt", {"order": order})
    invoice = f"invoices/{order.number}.txt"
    if not default_storage.exists(invoice):
        default_storage.save(invoice, ContentFile(text.encode()))
    send_mail(f"Your order {order.number}", text, None, [order.email])
    Order.objects.filter(pk=order_id).update(confirmed_at=timezone.now())


@shared_task
def count_bestsellers() -> None:
    """What the home page shows as bestsellers: of the last thirty days."""
    sold = (
        Line.objects.filter(order__placed_at__gte=timezone.now() - _KEPT)
        .values("product__name", "product__slug")
        .annotate(sold=Sum("quantity"))
        .order_by("-sold")[:5]
    )
    cache.set("bestsellers", list(sold), timeout=None)


@shared_task
def tidy_up() -> None:
    """At night: orders of more than thirty days ago go, with their invoices."""
    for order in Order.objects.filter(placed_at__lt=timezone.now() - _KEPT).iterator():
        default_storage.delete(f"invoices/{order.number}.txt")
        order.delete()
