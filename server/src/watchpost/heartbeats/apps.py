from django.apps import AppConfig


class HeartbeatsConfig(AppConfig):
    name = "watchpost.heartbeats"
    label = "heartbeats"
