"""Fills an empty shop with products, always the same ones."""

import random
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.text import slugify

from catalogue.models import Category, Product

_CATEGORIES = (("Teapots", "img/pot.svg"), ("Cups", "img/cup.svg"), ("Tea", "img/leaf.svg"))
_KINDS = {
    "Teapots": ("Teapot", "Iron kettle", "Glass pot"),
    "Cups": ("Cup", "Mug", "Bowl"),
    "Tea": ("Green tea", "Black tea", "Herbal tea"),
}
_PLACES = ("Aveiro", "Braga", "Coimbra", "Douro", "Elvas", "Faro", "Gerês", "Horta", "Ílhavo", "Lagos")


class Command(BaseCommand):
    help = "Fills an empty shop with products."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Product.objects.exists():
            return
        chance = random.Random(4)
        for name, picture in _CATEGORIES:
            category = Category.objects.create(name=name, slug=slugify(name), picture=picture)
            Product.objects.bulk_create(
                Product(
                    name=f"{kind} {place}",
                    slug=slugify(f"{kind} {place}"),
                    category=category,
                    description=f"{kind} {place}, made in small numbers and packed by hand.",
                    price=chance.randrange(490, 8990, 10) / 100,
                    stock=chance.randrange(10_000, 50_000),
                )
                for kind in _KINDS[name]
                for place in _PLACES
            )
        self.stdout.write(f"{Product.objects.count()} products")
