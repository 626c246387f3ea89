"""What tells others of the server itself; its health is answered in first.py."""

from django.urls import path

from watchpost.watching.metrics import metrics

urlpatterns = [path("metrics", metrics)]
