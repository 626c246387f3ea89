"""The server's own health."""

from django.urls import path

from watchpost.watching.health import healthz, readyz
from watchpost.watching.metrics import metrics

urlpatterns = [path("healthz", healthz), path("readyz", readyz), path("metrics", metrics)]
