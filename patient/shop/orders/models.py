from decimal import Decimal

from django.db import models
from django.db.models import F, Sum
from django.urls import reverse
from django.utils.crypto import get_random_string

from catalogue.models import Product


def new_number() -> str:
    """Not to be guessed: whoever knows it sees the order."""
    return get_random_string(12, "abcdefghjkmnpqrstuvwxyz23456789")


class Order(models.Model):
    number = models.CharField(max_length=12, unique=True, default=new_number, editable=False)
    name = models.CharField(max_length=100)
    email = models.EmailField()
    address = models.TextField(max_length=500)
    placed_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-placed_at"]
        indexes = [models.Index(fields=["placed_at"], name="orders_placed_at")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("order", args=[self.number])

    def total(self) -> Decimal:
        return self.lines.aggregate(total=Sum(F("price") * F("quantity")))["total"] or Decimal(0)


class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    price = models.DecimalField(max_digits=8, decimal_places=2, help_text="of one, when it was ordered")

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"
