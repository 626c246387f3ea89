from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "watchpost.incidents"
    label = "incidents"
