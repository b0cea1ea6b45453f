"""The site's URLs, rows for them to show, and all that a refused request must leave alone."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.api.views import ApiView
from catalog import products
from catalog.models import BulkOperation, ChangeSet, Product, ProductChange
from imports.fetches import sources
from imports.fetches.sources import Access
from imports.models import Fetch, ImportJob, Source
from imports.options import Options
from imports.remembered import save_as
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint, Event

METHODS = ("get", "post", "put", "patch", "delete")
UPLOAD = "11111111-1111-1111-1111-111111111111"
FILLED = (
    (r"<uuid:\w+>", UPLOAD),
    (r"\(\?P<app_label>(\w+)[^)]*\)", r"\1"),
    (r"\(\?P<url>\.\*\)\$", "anything"),
    (r"<(\w+:)?\w+>", "1"),
    (r"[\^$]", ""),
)


def found(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern with a path that it matches."""
    for pattern in patterns:
        path = str(pattern.pattern)
        for placeholder, value in FILLED:
            path = re.sub(placeholder, value, path)
        if isinstance(pattern, URLResolver):
            yield from found(pattern.url_patterns, prefix + path)
        else:
            assert isinstance(pattern, URLPattern)
            yield prefix + path, pattern


def api_calls() -> set[tuple[str, str]]:
    """Every call of the API: its method and a path."""
    return {
        (method.upper(), path)
        for path, pattern in found(get_resolver().url_patterns)
        for view in [getattr(pattern.callback, "cls", None)]
        if view is not None and issubclass(view, ApiView)
        for method in METHODS
        if hasattr(view, method)
    }


def pages() -> set[str]:
    """A path for every URL pattern that is no call of the API."""
    everything = {path for path, _ in found(get_resolver().url_patterns)}
    return everything - {path for _, path in api_calls()}


def some_rows() -> dict[str, Any]:
    """A product, a change set, a cancelled import and operation, an endpoint and its deliveries."""
    product = products.create(
        source="form", actor=None, sku="A-1", name="One", description="", price=None, active=True
    )
    job = ImportJob.objects.create(
        file_name="a.csv", state="cancelled", upload="imports/a", detected={}
    )
    source = sources.create(
        actor=None, name="A", access=Access("https://1.1.1.1/a.csv"), options=Options()
    )
    operation = BulkOperation.objects.create(kind="delete", state="cancelled")
    endpoint = endpoints.create(
        actor=None, url="https://1.1.1.1/hook", event_types=["product.updated"]
    )
    event = Event.objects.create(type="product.updated", body="{}")
    delivery = Delivery.objects.create(event=event, endpoint=endpoint, state="failed")
    trial = Delivery.objects.create(event=event, endpoint=endpoint, state="failed", is_test=True)
    return {
        "product": product.pk,
        "job": job.pk,
        "source": source.pk,
        "mapping": save_as("A", ["a", "b"], ("sku", "name"), user=None).pk,
        "operation": operation.pk,
        "change_set": ChangeSet.objects.get().pk,
        "endpoint": endpoint.pk,
        "delivery": delivery.pk,
        "trial": trial.pk,
        "upload": UPLOAD,
    }


def state_of_everything() -> list[Any]:
    """What a refused request must leave as it was."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (
            Product,
            ChangeSet,
            ProductChange,
            BulkOperation,
            ImportJob,
            Source,
            Fetch,
            Endpoint,
            Delivery,
        )
    ]
