from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        # Connected by being imported; the models that it names exist only now.
        from webhooks import receivers  # noqa: F401
