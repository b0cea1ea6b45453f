"""Uploads in parts on the pages."""

import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from imports.resumable import store


@require_POST
@permission_required("imports.add_importjob", raise_exception=True)
def discard(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give up an upload that has not come to its end."""
    upload = store.find(pk, cast(User, request.user))
    store.remove(upload)
    messages.info(request, f"The upload of {upload.file_name} was discarded.")
    return redirect("imports:list")
