"""How a file was read: changed on its page, kept for later files."""

from dataclasses import replace
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from imports import remembered
from imports.models import ImportJob, Mapping
from imports.options import Options
from imports.read_again import ReadAgainRefused, columns_of, read_again, remember_columns
from imports.reading_form import MappingChoiceForm, MappingNameForm, ReadAgainForm
from imports.uploads import UploadRefused


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a file once more, as its chips say now."""
    job = get_object_or_404(ImportJob, pk=pk)
    form = ReadAgainForm(job, request.POST)
    if not form.is_valid():
        return _back(request, job, _problems(form))
    options = form.options()
    if form.corrects_columns or form.corrects_decimal:
        remember_columns(job, options, user=cast(User, request.user))
    return _read_again(request, job, options)


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def use_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a file once more, its columns by a mapping that has a name."""
    job = get_object_or_404(ImportJob, pk=pk)
    form = MappingChoiceForm(request.POST)
    if not form.is_valid():
        return _back(request, job, _problems(form))
    mapping: Mapping = form.cleaned_data["mapping"]
    header = job.detected.get("header", ())
    if header and remembered.apply(mapping, header) is None:
        return _back(request, job, f"“{mapping}” needs columns that this file does not have.")
    decimal = mapping.decimal or job.decimal
    options = replace(Options.of(job), columns=(), mapping_id=mapping.pk, decimal=decimal)
    return _read_again(request, job, options)


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def save_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the columns of an import as a mapping with a name."""
    job = get_object_or_404(ImportJob, pk=pk)
    form = MappingNameForm(request.POST)
    fields = [column["field"] for column in columns_of(job)]
    if not form.is_valid():
        return _back(request, job, _problems(form))
    header = [column["header"] for column in columns_of(job)]
    if not remembered.is_whole(fields) or not any(header):
        return _back(request, job, "There are no columns here that could be known by their names.")
    name = form.cleaned_data["name"]
    try:
        remembered.save_as(name, header, fields, decimal=job.decimal, user=cast(User, request.user))
    except remembered.NameTaken as refused:
        return _back(request, job, str(refused))
    messages.success(request, f"The columns are kept as “{name}”. Choose it with any upload.")
    return redirect("imports:detail", pk=job.pk)


@require_GET
@permission_required("imports.view_importjob", raise_exception=True)
def mapping_list(request: HttpRequest) -> HttpResponse:
    """The mappings that have a name."""
    return render(request, "imports/mappings.html", {"mappings": remembered.named()})


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def delete_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a named mapping; imports that it was used for stay as they are."""
    mapping = get_object_or_404(remembered.named(), pk=pk)
    mapping.delete()
    messages.success(request, f"The mapping “{mapping}” is deleted.")
    return redirect("imports:mappings")


def _read_again(request: HttpRequest, job: ImportJob, options: Options) -> HttpResponse:
    try:
        reading = read_again(job, options=options, user=cast(User, request.user))
    except (ReadAgainRefused, UploadRefused) as refused:
        return _back(request, job, str(refused))
    if reading.pk != job.pk:
        messages.info(
            request,
            f"The file is read again as this import. #{job.pk:,} stays as it is unless you undo it."
            if job.state == ImportJob.State.COMPLETED
            else f"The file is read again as this import; #{job.pk:,} is being cancelled.",
        )
    return redirect("imports:detail", pk=reading.pk)


def _problems(form: ReadAgainForm | MappingNameForm | MappingChoiceForm) -> str:
    return " ".join(str(text) for errors in form.errors.values() for text in errors)


def _back(request: HttpRequest, job: ImportJob, problem: str) -> HttpResponse:
    messages.error(request, problem)
    return redirect("imports:detail", pk=job.pk)
