"""What an import did, would do, and left aside."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.core.paginator import Paginator
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from catalog.api.change_sets import ChangesPageJson, ChangesQuery, changes_shown
from catalog.api.cursors import by_cursor
from core.advisory import only_one
from core.api.paging import paged
from core.api.problems import Problem
from imports import report
from imports.api.jobs import found
from imports.api.review_json import PreviewJson, show_review
from imports.api.reviews import in_review
from imports.api.serializers import (
    COUNTS,
    CauseJson,
    RejectedPageJson,
    RejectedQuery,
    RejectedRowJson,
)
from imports.models import ImportJob, RejectedRow
from imports.preview import PreviewRefused, preview_upload
from imports.reading import Unreadable
from imports.storage import PartCorrupt

PREVIEW_LOCK: Final = 0x70726576  # "prev"
RETRY_SECONDS: Final = 5
EXAMPLES: Final = 100


class RejectedView(ApiView):
    """The rows that were left aside."""

    permissions: ClassVar = {"GET": ("imports.view_importjob",)}
    queries: ClassVar = {"GET": RejectedQuery}

    @extend_schema(operation_id="list_rejected_rows", responses=RejectedPageJson, tags=["Imports"])
    def get(self, request: Request, pk: int) -> Response:
        """List an import's rejected rows with everything that is wrong with each."""
        job = found(pk)
        rows = report.rejected_rows(job, cause=self.asked.get("cause", ""))
        pages = Paginator(rows, self.asked["limit"])
        response = paged(request, pages, number=self.asked["page"], show=_rows_shown)
        causes = report.causes(job) if job.rejected else []
        response.data["causes"] = CauseJson(causes, many=True).data
        return response


class RejectedCsvView(ApiView):
    """The same as a file."""

    permissions: ClassVar = {"GET": ("imports.view_importjob",)}

    @extend_schema(
        operation_id="download_rejected_rows",
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
        tags=["Imports"],
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download the rejected rows as CSV, to fix and upload again.

        Bytes, encoding and delimiter are those of the file; a column `error` has the reasons.
        """
        return report.rejected_csv(found(pk))


class ChangesView(ApiView):
    """What an import did."""

    permissions: ClassVar = {"GET": ("imports.view_importjob", "catalog.view_changeset")}
    queries: ClassVar = {"GET": ChangesQuery}

    @extend_schema(operation_id="list_import_changes", responses=ChangesPageJson, tags=["Imports"])
    def get(self, request: Request, pk: int) -> Response:
        """List the products that an import changed with what stood there before and after."""
        change_set = found(pk).change_set
        if change_set is None:
            return by_cursor(request, [], following=None)
        return changes_shown(request, change_set, self.asked)


class PreviewView(ApiView):
    """What an import would do."""

    permissions: ClassVar = {"GET": ("imports.add_importjob",)}
    problems: ClassVar = {"GET": (409,)}

    @extend_schema(operation_id="preview_import", responses=PreviewJson, tags=["Imports"])
    def get(self, request: Request, pk: int) -> Response:
        """Find out what an import would do now; nothing is written.

        Of an import that waits, failed or was cancelled, as long as its upload is kept. Half a
        million rows take several seconds; one preview at a time is made, another one is 429. Of an
        import that waits for its review, what was found then, and what a commit would do now.
        """
        job = found(pk)
        if job.state == ImportJob.State.REVIEW:
            return Response(_reviewed(in_review(pk)))
        with only_one(PREVIEW_LOCK) as alone:
            if not alone:
                raise Problem(
                    "too-many-requests",
                    "Another preview is being made. Try again in a moment.",
                    headers={"Retry-After": str(RETRY_SECONDS)},
                )
            try:
                preview = preview_upload(job)
            except PreviewRefused as refused:
                raise Problem("wrong-state", str(refused)) from refused
            except (Unreadable, PartCorrupt) as refused:
                error = {"code": refused.code, "message": str(refused)}
                return Response({"counts": None, "rejected_rows": [], "refused": error})
        counts = {name: getattr(preview, name) for name in COUNTS}
        return Response({"counts": counts, "rejected_rows": preview.examples, "refused": None})


def _reviewed(job: ImportJob) -> dict[str, Any]:
    reviewed = job.reviewed
    refused = RejectedRow.objects.filter(job=job)[:EXAMPLES].values("line", "problems")
    return {
        "counts": {
            "read": job.read,
            "created": reviewed["new"],
            "updated": reviewed["changed"],
            "unchanged": reviewed["unchanged"],
            "duplicates": reviewed["duplicates"],
            "rejected": reviewed["rejected"],
        },
        "rejected_rows": list(refused),
        "refused": None,
        "review": show_review(job),
    }


def _rows_shown(rows: Sequence[RejectedRow]) -> Any:
    return RejectedRowJson(rows, many=True).data
