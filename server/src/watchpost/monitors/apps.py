from django.apps import AppConfig


class MonitorsConfig(AppConfig):
    name = "watchpost.monitors"
    label = "monitors"
