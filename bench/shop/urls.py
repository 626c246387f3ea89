from django.conf import settings
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("page/", lambda request: HttpResponse("a page"))]
if settings.FLAVOUR == "peer":
    from health_check.views import HealthCheckView

    checks = ["health_check.checks.Cache", "health_check.checks.Database"]
    urlpatterns.append(path("health/", HealthCheckView.as_view(checks=checks)))
