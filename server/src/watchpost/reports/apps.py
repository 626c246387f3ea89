from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "watchpost.reports"
    label = "reports"
