"""The review of an import: its rows, what is decided about them, and the word to go on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from catalog.api.serializers import ProductValues, word
from catalog.products import as_json
from core.api.paging import paged
from core.api.problems import Problem
from core.api.serializers import Flag, Paging, Strict
from imports.api.jobs import found
from imports.api.review_json import ReviewJson, show_review
from imports.api.serializers import JobJson, show_job
from imports.models import ImportJob
from imports.reviews.listing import CHANGED, FIELDS, RISKS, Asked, ReviewRow, pages_of
from imports.reviews.listing import CLASSES as LISTED
from imports.reviews.outcome import outcome
from imports.reviews.reviewing import (
    CLASSES,
    ReviewRefused,
    apply_review,
    decide,
    decide_class,
    review_anew,
    stands,
)


class ReviewQuery(Paging):
    """A page of the rows of one class, perhaps only of those that match all of the others."""

    field = serializers.ChoiceField(list(FIELDS), required=False)
    risk = serializers.ChoiceField(list(RISKS), required=False)
    search = serializers.CharField(required=False, max_length=500)

    def get_fields(self) -> dict[str, Any]:
        """`class` is a word of Python's own."""
        chosen = serializers.ChoiceField(list(LISTED), default=CHANGED)
        return {"class": chosen, **super().get_fields()}


class ReviewRowJson(serializers.Serializer[Any]):
    """A row of the file beside its product, or a product that the file does not have.

    `before` are the values when the review was made, null when there was no product; `after` those
    that the import writes, null for a missing product. Of a conflict `now` are those of the moment,
    null when the product is gone.
    """

    line = serializers.IntegerField(allow_null=True)
    product = serializers.IntegerField(allow_null=True, source="product_id")
    sku = serializers.CharField()
    kind = word([name for name in LISTED if name != "conflicts"])
    left_out = serializers.BooleanField()
    risks = serializers.ListField(child=word(RISKS))
    before = ProductValues(allow_null=True)
    after = ProductValues(allow_null=True)
    now = ProductValues(allow_null=True)


class ReviewPageJson(serializers.Serializer[Any]):
    """One page of rows, risky ones first; of `class=conflicts` rows, then missing products."""

    items = ReviewRowJson(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


class DecisionBody(Strict):
    """What is left out, or taken in with `include`: rows by line, missing products, classes."""

    lines = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=10_000,
    )
    products = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=10_000,
    )
    classes = serializers.ListField(
        child=serializers.ChoiceField(list(CLASSES)), required=False, max_length=len(CLASSES)
    )
    include = Flag()


class CommitBody(Strict):
    """The yes that an import may need.

    `missing_agreed` is how many products may go since the file does not have them, when they are
    many; `on_conflict` says what becomes of products that were changed since the review.
    """

    missing_agreed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    on_conflict = serializers.ChoiceField(ImportJob.Conflict.choices, required=False)


class ReviewView(ApiView):
    """The rows of a review."""

    permissions: ClassVar = {
        "GET": ("imports.view_importjob",),
        "PATCH": ("imports.change_importjob",),
    }
    queries: ClassVar = {"GET": ReviewQuery}
    problems: ClassVar = {"GET": (409,), "PATCH": (409,)}

    @extend_schema(operation_id="list_review_rows", responses=ReviewPageJson, tags=["Imports"])
    def get(self, request: Request, pk: int) -> Response:
        """List what an import that waits for its review would do, row by row."""
        job = in_review(pk)
        asked = Asked(
            kind=self.asked["class"],
            search=self.asked.get("search", ""),
            field=self.asked.get("field", ""),
            risk=self.asked.get("risk", ""),
        )
        pages = pages_of(job, asked, size=self.asked["limit"])
        return paged(request, pages, number=self.asked["page"], show=_rows_shown)

    @extend_schema(
        operation_id="decide_review",
        request=DecisionBody,
        responses=ReviewJson,
        tags=["Imports"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Leave rows, missing products or whole classes out of an import, or take them in.

        The latest decision about a class forgets those about its rows; one about a row overrules
        that about its class. Lines and products that the review does not have are passed over.
        """
        asked = self.read(DecisionBody)
        job = in_review(pk)
        include = asked["include"]
        products = [] if job.missing == ImportJob.Missing.KEEP else asked.get("products", [])
        try:
            for name in asked.get("classes", []):
                decide_class(job, name, include=include)
            decide(job, lines=asked.get("lines", []), products=products, include=include)
        except ReviewRefused as refused:
            raise _problem(job, refused) from refused
        return Response(show_review(found(pk)))


class CommitView(ApiView):
    """The end of a review."""

    permissions: ClassVar = {"POST": ("imports.change_importjob",)}

    @extend_schema(
        operation_id="commit_import",
        request=CommitBody,
        responses={202: JobJson},
        tags=["Imports"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Apply an import that waits for its review, as it was decided.

        400 with `missing`, the number to send as `missing_agreed`, when many products would go
        because the file does not have them. 409 when the import does not wait for a review.
        """
        asked = self.read(CommitBody)
        job = found(pk)
        if job.state != ImportJob.State.REVIEW:
            raise _not_in_review(job)
        try:
            apply_review(
                job,
                user=cast(User, request.user),
                missing_agreed=asked.get("missing_agreed"),
                on_conflict=asked.get("on_conflict", ImportJob.Conflict.LEAVE),
            )
        except ReviewRefused as refused:
            raise _problem(job, refused) from refused
        return Response(show_job(found(pk)), status=202)


def in_review(pk: int) -> ImportJob:
    """An import that waits for its review.

    Raises:
        Problem: `wrong-state`, it does not; or what the review showed is gone, and made anew.
    """
    job = found(pk)
    if job.state != ImportJob.State.REVIEW:
        raise _not_in_review(job)
    if not stands(job):
        raise _problem(job, ReviewRefused("gone", "What the review showed is gone."))
    return job


def _not_in_review(job: ImportJob) -> Problem:
    return Problem(
        "wrong-state",
        f"Import {job.pk} does not wait for a review: its state is {job.state}.",
    )


def _problem(job: ImportJob, refused: ReviewRefused) -> Problem:
    if refused.code == "confirm":
        does = outcome(found(job.pk))
        missing = does.deactivated + does.deleted
        return Problem("confirmation-missing", str(refused), missing=missing)
    if refused.code == "gone":
        review_anew(job)
        return Problem(
            "wrong-state",
            "The database was restarted, and what the review showed is gone. The file is read once"
            " more; ask again when the import waits for its review.",
        )
    return Problem("wrong-state", str(refused))


def _rows_shown(rows: Sequence[ReviewRow]) -> Any:
    shown = [
        replace(row, before=_json(row.before), after=_json(row.after), now=_json(row.now))
        for row in rows
    ]
    return ReviewRowJson(shown, many=True).data


def _json(values: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else as_json(values)
