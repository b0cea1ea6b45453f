from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self) -> None:
        # In every process: a worker's change makes the totals of the pages worthless too.
        from catalog import metrics, totals  # noqa: F401
