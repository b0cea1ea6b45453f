"""Rejected rows imported after all."""

from typing import Any, ClassVar, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from catalog.rules import CAUSES
from core.api.problems import Problem
from core.api.serializers import Strict, Text
from imports.api.jobs import found
from imports.api.serializers import AcceptedJson
from imports.models import ImportJob, RejectedRow
from imports.records import Writing
from imports.repairs.correcting import CellsWrong, correct
from imports.repairs.files import RepairRefused
from imports.repairs.repairing import repair
from imports.uploads import NoRoom, TooManyUploads, UploadRefused

CELLS_MAX = 1000


class CellBody(Strict):
    """A cell of a rejected row: the row's number, the column by field or header, its new text."""

    row = serializers.IntegerField(min_value=1)
    column = Text()
    value = Text(allow_blank=True, trim_whitespace=False)


class RepairBody(Strict):
    """Either the cause whose sure remedy is used, or cells that were put right.

    `also` are causes whose remedies are used on the same rows. `words`, for `active_unknown`, says
    "yes" or "no" for each word that it knows.
    """

    code = serializers.ChoiceField(list(CAUSES), required=False)
    also = serializers.ListField(
        child=serializers.ChoiceField(list(CAUSES)), required=False, max_length=len(CAUSES)
    )
    words = serializers.DictField(child=serializers.ChoiceField(["yes", "no"]), required=False)
    cells = serializers.ListField(child=CellBody(), required=False, max_length=CELLS_MAX)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("cells" in attrs):
            raise serializers.ValidationError({"code": "Give either code or cells."})
        return attrs


class RepairView(ApiView):
    """The way in for rows that were left aside."""

    permissions: ClassVar = {"POST": ("imports.add_importjob",)}
    # The job is committed before a worker hears of it.
    commits_on_the_way = True

    @extend_schema(
        operation_id="repair_import",
        request=RepairBody,
        responses={202: AcceptedJson},
        tags=["Imports"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Import rejected rows: by the sure remedy of a cause, or with cells that you put right.

        Cells are checked before anything is made; if one is still wrong, nothing is imported. The
        import of the rows has the options of the first one, but leaves products alone that are not
        in it, and waits for a review if one of its products was changed since.
        """
        body = self.read(RepairBody)
        job = found(pk)
        try:
            made = _made(job, body, cast(User, request.user))
        except CellsWrong as wrong:
            errors = _errors(wrong, job, body["cells"])
            raise Problem("invalid", str(wrong), errors=errors) from wrong
        except RepairRefused as refused:
            raise Problem("wrong-state", str(refused)) from refused
        except TooManyUploads as refused:
            headers = {"Retry-After": str(refused.seconds)}
            raise Problem("too-many-requests", str(refused), headers=headers) from refused
        except NoRoom as refused:
            raise Problem("no-room", str(refused)) from refused
        except UploadRefused as refused:
            raise Problem("quota-full", str(refused)) from refused
        return Response(
            {"task_id": made.task_id, "job_id": made.pk, "message": "Processing started"},
            status=202,
            headers={"Location": f"/api/imports/{made.pk}"},
        )


def _made(job: ImportJob, body: dict[str, Any], user: User) -> ImportJob:
    if "code" in body:
        also, words = body.get("also", []), body.get("words", {})
        meanings = {word.strip().lower(): meaning for word, meaning in words.items()}
        return repair(job, code=body["code"], also=also, words=meanings, user=user)
    writing = Writing.of(job.detected)
    rows = _rows(job, body["cells"])
    cells, errors = {}, {}
    for at, cell in enumerate(body["cells"]):
        row, index = rows.get(cell["row"]), writing.index_of(cell["column"])
        if row is None:
            errors[f"cells.{at}.row"] = f"Row {cell['row']:,} is not among the rejected ones."
        elif index is None:
            errors[f"cells.{at}.column"] = f"There is no column “{cell['column']}”."
        else:
            cells[row, index] = cell["value"]
    if errors:
        raise Problem("invalid", " ".join(errors.values()), errors=errors)
    return correct(job, cells=cells, user=user)


def _rows(job: ImportJob, cells: list[dict[str, Any]]) -> dict[int, int]:
    """The ids of a job's rejected rows by their numbers."""
    numbers = {cell["row"] for cell in cells}
    rows = RejectedRow.objects.filter(job=job, row_number__in=numbers)
    return dict(rows.values_list("row_number", "pk"))


def _errors(wrong: CellsWrong, job: ImportJob, cells: list[dict[str, Any]]) -> dict[str, str]:
    """What is wrong, by the cell that was sent; else by the first one of its row."""
    writing = Writing.of(job.detected)
    rows = _rows(job, cells)
    places: dict[tuple[int, int | None], int] = {}
    for at, cell in enumerate(cells):
        row = rows[cell["row"]]
        places.setdefault((row, None), at)
        places[row, writing.index_of(cell["column"])] = at
    errors: dict[str, str] = {}
    for (row, index), message in wrong.problems.items():
        at = places.get((row, index), places[row, None])
        name = f"cells.{at}.value"
        errors[name] = " ".join(filter(None, [errors.get(name), message]))
    return errors
