import os
import time

from django.http import HttpRequest, HttpResponse
from django.urls import path


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"pid {os.getpid()}")


def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(float(request.GET["s"]))
    return HttpResponse("at last")


urlpatterns = [path("plain/", plain), path("plain/slow/", slow)]
