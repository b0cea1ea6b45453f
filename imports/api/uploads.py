"""A file comes in: the same form, the same door as on the page."""

from typing import Any, ClassVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from core.api.problems import Problem
from imports.api.serializers import AcceptedJson, UploadBody
from imports.forms import UploadForm
from imports.uploads import NoRoom, TooManyUploads, UploadRefused, accept_upload, count_upload


class UploadView(ApiView):
    """The door."""

    permissions: ClassVar = {"POST": ("imports.add_importjob",)}
    parser_classes = (MultiPartParser,)
    # The job is committed before a worker hears of it.
    commits_on_the_way = True
    operation_ids: ClassVar = {"/api/upload": "upload_file", "/upload": "upload"}

    @extend_schema(
        request=UploadBody,
        responses={202: AcceptedJson},
        tags=["Imports"],
    )
    def post(self, request: Request) -> Response:
        """Upload a CSV file, which is then imported. Follow it by its task id or job id."""
        form = _checked(request)
        file = form.cleaned_data["file"]
        user = cast(User, request.user)
        try:
            count_upload(user)
            job = accept_upload(file, file_name=file.name, user=user, options=form.options())
        except TooManyUploads as refused:
            headers = {"Retry-After": str(refused.seconds)}
            raise Problem("too-many-requests", str(refused), headers=headers) from refused
        except NoRoom as refused:
            raise Problem("no-room", str(refused)) from refused
        except UploadRefused as refused:
            raise Problem("quota-full", str(refused)) from refused
        return Response(
            {"task_id": job.task_id, "job_id": job.pk, "message": "Processing started"},
            status=202,
            headers={"Location": f"/api/imports/{job.pk}"},
        )


class UploadOrPageView(UploadView):
    """The address that people may know from elsewhere: it leads them to the page."""

    def get_permissions(self) -> Any:
        # The page asks by itself.
        return [] if self.request.method in ("GET", "HEAD") else super().get_permissions()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        """Lead people to the page, through the sign-in if need be."""
        page = reverse("imports:list")
        return redirect(page) if request.user.is_authenticated else redirect_to_login(page)


def _checked(request: Request) -> UploadForm:
    """The page's form, valid.

    Raises:
        Problem: `invalid` with the fields that are not, `too-large`.
    """
    known = UploadForm.base_fields
    data: Any = request.data
    problems = {
        name: f"There is no “{name}” here. There is {', '.join(known)}."
        for name in data
        if name not in known
    }
    for name, values in _lists(data):
        if name in known and len(values) > 1:
            problems[name] = "It is given more than once."
    if problems:
        raise Problem("invalid", " ".join(problems.values()), errors=problems)
    form = UploadForm(data, request.FILES)
    if form.is_valid():
        return form
    if form.has_error("file", "too_large"):
        raise Problem("too-large", " ".join(map(str, form.errors["file"])))
    problems = {name: " ".join(map(str, errors)) for name, errors in form.errors.items()}
    raise Problem("invalid", " ".join(problems.values()), errors=problems)


def _lists(data: Any) -> list[tuple[str, list[Any]]]:
    # Without a body there is a plain dict.
    return list(data.lists()) if hasattr(data, "lists") else []
