from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "watchpost.web"
    label = "watchpost_web"
