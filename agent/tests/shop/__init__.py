"""A Django project with Celery, as its documentation says, for processes that tests start."""

from tests.shop.celery import app

__all__ = ["app"]
