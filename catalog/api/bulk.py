"""Many products at once: an action on them, the deletion of all, the export."""

from decimal import Decimal
from typing import Any, ClassVar, Final, cast

from django.http import HttpResponseBase, QueryDict
from django.middleware.gzip import re_accepts_gzip
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import check_permissions
from accounts.api.views import ApiView
from accounts.models import User
from catalog.actions import (
    ID_MAX,
    TO_DELETE_ALL,
    Selection,
    carry_out,
    delete_all,
    deletes_all,
    permissions_for,
)
from catalog.api.filters import SCHEMAS, TEXT, FilterFields, filtered
from catalog.api.operations import StartedJson, started
from catalog.export import NoRoom, export_csv, headers_alone
from catalog.filters import InvalidFilter, PriceFilter, ProductFilter, YesNoFilter, settled
from catalog.listing import ORDERS
from catalog.models import BulkOperation
from catalog.watching import headline
from core.api.problems import Problem
from core.api.serializers import Flag, Query, Strict, Text

ACTIONS: Final = ("activate", "deactivate", "delete")


@extend_schema_field({"type": "boolean", "const": True})
class OnlyTrue(serializers.CharField):
    """true and nothing else."""

    def to_internal_value(self, data: Any) -> str:
        if not _is_true(data):
            raise serializers.ValidationError("Has to be true.")
        return "true"


class Confirmation(Query):
    """That every product is meant."""

    confirm = OnlyTrue(help_text="Has to be true: every product is deleted.")

    def to_internal_value(self, data: Any) -> Any:
        check_confirmed(data.get("confirm"))
        return super().to_internal_value(data)


class ActionQuery(Query):
    """That every product is meant, where an action would delete them all."""

    confirm = OnlyTrue(
        required=False,
        help_text="Has to be true for the action delete with an empty filter: every product.",
    )


def check_confirmed(confirm: str | None) -> None:
    """Refuse to delete every product unless that was confirmed."""
    if not _is_true(confirm):
        raise Problem(
            "confirmation-missing",
            "This deletes every product. Send it to the same address with ?confirm=true if"
            " that is what you want.",
            errors={"confirm": "Has to be true."},
        )


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": ID_MAX})
class Id(serializers.IntegerField):
    """A number of JSON; "7" in quotes is none."""

    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=ID_MAX)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class Amount(serializers.Field[Any, Any, Any, Any]):
    """A bound for prices as a string or a number; what it may be the FilterSet says."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool) or not isinstance(data, str | int | float) or data == "":
            raise serializers.ValidationError('Write a price like "12.90".')
        return data if isinstance(data, str) else f"{Decimal(str(data)):f}"


class FilterBody(Strict):
    """The filters of `ProductFilter` as JSON; an empty object is every product."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, filter_ in ProductFilter.base_filters.items():
            about: dict[str, Any] = {"required": False, "help_text": str(filter_.label)}
            schema = SCHEMAS.get(type(filter_), TEXT)
            field: Any
            if isinstance(filter_, YesNoFilter):
                field = Flag(**about)
            elif isinstance(filter_, PriceFilter):
                number = {"type": "number", "multipleOf": 0.01}
                most = 9_999_999_999
                schema = {"anyOf": [schema, {**number, "minimum": -most, "maximum": most}]}
                field = Amount(**about)
            else:
                blank = schema is TEXT and name != "ordering"
                field = Text(allow_blank=blank, trim_whitespace=False, **about)
            if name == "ordering":
                schema = {"type": "string", "enum": list(ORDERS)}
            fields[name] = extend_schema_field(schema)(field)
        return fields


class ActionBody(Strict):
    """What to do, and with which products: `ids` or `filter`."""

    action = serializers.ChoiceField(choices=ACTIONS)
    ids = serializers.ListField(child=Id(), allow_empty=False, required=False)
    filter = FilterBody(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError(
                "Say with which products: either ids, a list of numbers, or filter, an object."
            )
        return attrs


class ActionOnIds(Strict):
    """An action on products by their numbers."""

    action = serializers.ChoiceField(choices=ACTIONS)
    ids = serializers.ListField(child=Id(), allow_empty=False)


class ActionOnFilter(Strict):
    """An action on all products that match the filter; `{}` is every product."""

    action = serializers.ChoiceField(choices=ACTIONS)
    filter = FilterBody()


ACTION: Final = PolymorphicProxySerializer(
    component_name="Action",
    serializers=[ActionOnIds, ActionOnFilter],
    resource_type_field_name=None,
)


class ActionJson(serializers.Serializer[Any]):
    """What came of it: `count` products are changed, the rest was so already."""

    message = serializers.CharField()
    count = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    left_alone = serializers.IntegerField()
    change_set = serializers.IntegerField(allow_null=True)
    operation = serializers.IntegerField()


class AllProductsView(ApiView):
    """Every product, by an address that says so."""

    permissions: ClassVar = {"DELETE": TO_DELETE_ALL}
    queries: ClassVar = {"DELETE": Confirmation}

    @extend_schema(
        operation_id="bulk_delete_all_products", responses={202: StartedJson}, tags=["Products"]
    )
    def delete(self, request: Request) -> Response:
        """Delete every product, if confirmed: the other address of the same call."""
        return delete_everything(request)


class ActionsView(ApiView):
    """Actions on several products."""

    permissions: ClassVar = {"POST": ("catalog.add_bulkoperation",)}
    queries: ClassVar = {"POST": ActionQuery}

    @extend_schema(
        operation_id="act_on_products",
        request=ACTION,
        responses={200: ActionJson, 202: StartedJson},
        tags=["Products"],
    )
    def post(self, request: Request) -> Response:
        """Activate, deactivate or delete products: few at once (200), many by a worker (202)."""
        body = self.read(ActionBody)
        action, selection = str(body["action"]), _selection(body)
        check_permissions(request, permissions_for(action, selection))
        if deletes_all(action, selection):
            check_confirmed(self.asked.get("confirm"))
        operation = carry_out(action, selection, actor=cast(User, request.user))
        if not operation.is_finished:
            return started(request, operation, f"Bulk {action} started")
        return Response(
            {
                "message": headline(operation),
                "count": operation.updated + operation.deleted,
                "unchanged": operation.unchanged,
                "left_alone": operation.left_alone,
                "change_set": operation.change_set_id,
                "operation": operation.pk,
            }
        )


class ExportView(ApiView):
    """Products as a file."""

    permissions: ClassVar = {"GET": ("catalog.view_product",)}
    queries: ClassVar = {"GET": FilterFields}
    problems: ClassVar = {"GET": (507,)}

    @extend_schema(
        operation_id="export_products",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The products.")},
        tags=["Products"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Export products as CSV, with the filters of the list: an import takes it as it is."""
        products = filtered(request)
        if request.method == "HEAD":
            response = headers_alone()
        else:
            try:
                response = export_csv(
                    products,
                    actor=cast(User, request.user),
                    query=settled(request._request.GET),
                    zipped=bool(re_accepts_gzip.search(request.headers.get("Accept-Encoding", ""))),
                )
            except NoRoom as full:
                raise Problem("no-room", str(full)) from full
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


def _is_true(text: Any) -> bool:
    return str(text).lower() == "true"


def delete_everything(request: Request) -> Response:
    """The same answer, whether it took a moment or goes on."""
    operation: BulkOperation = delete_all(actor=cast(User, request.user))
    return started(request, operation, "Bulk delete started")


def _selection(body: dict[str, Any]) -> Selection:
    if "ids" in body:
        return Selection(ids=tuple(sorted(set(body["ids"]))), query="")
    query = QueryDict(mutable=True)
    for name, value in body["filter"].items():
        query[name] = str(value).lower() if isinstance(value, bool) else value
    try:
        return Selection(ids=None, query=settled(query))
    except InvalidFilter as invalid:
        errors = {f"filter.{name}": message for name, message in invalid.problems.items()}
        raise Problem("invalid", str(invalid), errors=errors) from invalid
