"""What a deploy does, in one process: tables, products, static files."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrates, fills an empty shop and collects the static files."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("seed")
        call_command("collectstatic", verbosity=0, interactive=False)
