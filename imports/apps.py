from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"

    def ready(self) -> None:
        # Connected by being imported; the models that it names exist only now.
        from imports import metrics  # noqa: F401
