from django.apps import AppConfig


class WedgeConfig(AppConfig):
    name = "patient.wedge"

    def ready(self) -> None:
        from patient.wedge import celery

        celery.connect()
