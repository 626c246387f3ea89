from django.urls import path

from watchpost.api.urls import api

urlpatterns = [path("v1/", api.urls)]
