"""Products: the list with its filters, one product, creation, edits, deletion."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, cast

from django.http import Http404, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from catalog import products
from catalog.actions import TO_DELETE_ALL
from catalog.api.bulk import Confirmation, delete_everything
from catalog.api.filters import ProductQuery, filtered
from catalog.api.operations import StartedJson
from catalog.api.refusals import refusals
from catalog.api.serializers import ProductBody, ProductJson, ProductPageJson
from catalog.listing import ProductPages
from catalog.models import ChangeSet, Product
from core.api.conditions import check_conditions
from core.api.paging import paged
from core.api.serializers import Message

SOURCE: Final = ChangeSet.Source.API
NEW: Final = {"description": "", "price": None, "active": True}

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": '^(\\*|"[!#-~]+")$'},
    OpenApiParameter.HEADER,
    description="The ETag of the product as you read it: if it was changed since, 412.",
)
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    {"type": "string", "pattern": '^"[!#-~]+"$'},
    OpenApiParameter.HEADER,
    description="The ETag that you have: if it is the same still, 304 without a body.",
)


class ProductListView(ApiView):
    """All products."""

    permissions: ClassVar = {
        "GET": ("catalog.view_product",),
        "POST": ("catalog.add_product",),
        "DELETE": TO_DELETE_ALL,
    }
    queries: ClassVar = {"GET": ProductQuery, "DELETE": Confirmation}

    @extend_schema(operation_id="list_products", responses=ProductPageJson, tags=["Products"])
    @method_decorator(gzip_page)
    def get(self, request: Request) -> Response:
        """List products, with the filters of the page."""
        pages = ProductPages(filtered(request), self.asked["limit"])
        response = paged(request, pages, number=self.asked["page"], show=_all_shown)
        response.data["total_is_exact"] = pages.total.exact
        return response

    @extend_schema(
        operation_id="create_product",
        request=ProductBody,
        responses={201: ProductJson},
        tags=["Products"],
    )
    def post(self, request: Request) -> Response:
        """Create a product. 409 if the SKU exists in any case."""
        values = {**NEW, **self.read(ProductBody)}
        with refusals():
            product = products.create(source=SOURCE, actor=cast(User, request.user), **values)
        response = _shown(product, status=201)
        response.headers["Location"] = request.build_absolute_uri(f"/api/products/{product.pk}")
        return response

    @extend_schema(
        operation_id="delete_all_products", responses={202: StartedJson}, tags=["Products"]
    )
    def delete(self, request: Request) -> Response:
        """Delete every product, if confirmed. The log keeps them: it can be undone."""
        return delete_everything(request)


class ProductView(ApiView):
    """One product."""

    permissions: ClassVar = {
        "GET": ("catalog.view_product",),
        "PUT": ("catalog.change_product",),
        "PATCH": ("catalog.change_product",),
        "DELETE": ("catalog.delete_product",),
    }
    problems: ClassVar = {"PUT": (409, 412), "PATCH": (409, 412), "DELETE": (409, 412)}

    @extend_schema(
        operation_id="get_product",
        parameters=[IF_NONE_MATCH],
        responses={200: ProductJson, 304: None},
        tags=["Products"],
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Get a product with its ETag."""
        product = _found(pk)
        return check_conditions(request, etag_of(product)) or _shown(product)

    @extend_schema(
        operation_id="replace_product",
        parameters=[IF_MATCH],
        request=ProductBody,
        responses=ProductJson,
        tags=["Products"],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change a product: SKU and name are needed, what else is left out stays as it is."""
        return self._change(request, pk, self.read(ProductBody))

    @extend_schema(
        operation_id="change_product",
        parameters=[IF_MATCH],
        request=ProductBody(partial=True),
        responses=ProductJson,
        tags=["Products"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change some fields of a product."""
        return self._change(request, pk, self.read(ProductBody, partial=True))

    @extend_schema(
        operation_id="delete_product",
        parameters=[IF_MATCH],
        responses=Message,
        tags=["Products"],
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a product. The log keeps it: the change set can be undone."""
        version = self._version(request, pk)
        with refusals():
            products.delete(
                pk, source=SOURCE, actor=cast(User, request.user), unchanged_since=version
            )
        return Response({"message": "Deleted"})

    def _change(self, request: Request, pk: int, values: dict[str, Any]) -> Response:
        version = self._version(request, pk)
        with refusals():
            product = products.update(
                pk,
                source=SOURCE,
                actor=cast(User, request.user),
                unchanged_since=version,
                **values,
            )
        return _shown(product)

    def _version(self, request: Request, pk: int) -> datetime | None:
        """What the change rests on, by If-Match; None if it is to be made in any case."""
        product = _found(pk)
        check_conditions(request, etag_of(product))
        return product.updated_at if request.headers.get("If-Match", "*") != "*" else None


def etag_of(product: Product) -> str:
    """A strong ETag: the moment of the last change, to the microsecond."""
    return f'"{product.pk}-{product.updated_at:%Y%m%dT%H%M%S%f}"'


def _found(pk: int) -> Product:
    product = Product.objects.filter(pk=pk).first()
    if product is None:
        raise Http404
    return product


def _all_shown(rows: Sequence[Product]) -> Any:
    return ProductJson(rows, many=True).data


def _shown(product: Product, *, status: int = 200) -> Response:
    return Response(ProductJson(product).data, status=status, headers={"ETag": etag_of(product)})
