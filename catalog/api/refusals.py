"""What the catalog refuses, as problems."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import Http404

from catalog.locks import CatalogBusy
from catalog.products import EditConflict, ProductGone, SkuTaken
from core.api.problems import Problem

RETRY_SECONDS = 2


@contextmanager
def refusals() -> Iterator[None]:
    """Say as a problem what `catalog.products` could not do."""
    try:
        yield
    except SkuTaken as taken:
        message = f"{taken.product.sku} is taken by “{taken.product.name}”."
        raise Problem(
            "sku-taken",
            f"{message} Choose another SKU, or change product {taken.product.pk}.",
            errors={"sku": message},
            product=taken.product.pk,
        ) from taken
    except ProductGone as gone:
        raise Http404 from gone
    except EditConflict as conflict:
        raise Problem(
            "changed-since",
            "The product was changed since you read it. Read it again, and send the new ETag in"
            " If-Match.",
        ) from conflict
    except CatalogBusy as busy:
        raise Problem("busy", str(busy), headers={"Retry-After": str(RETRY_SECONDS)}) from busy
