"""Uploads in parts, by tus 1.0: all of it but the bytes, which `imports.resumable.asgi` takes."""

import uuid
from typing import Any, ClassVar, Final, cast

from django.conf import settings
from django.utils.http import http_date
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import User
from core.api.problems import Problem
from imports.forms import UploadForm
from imports.models import ResumableUpload
from imports.options import Options
from imports.resumable import protocol, store
from imports.resumable.asgi import GATE
from imports.resumable.protocol import Malformed
from imports.uploads import NoRoom, TooManyUploads, UploadRefused, count_upload

ADD: Final = ("imports.add_importjob",)


class TusView(ApiView):
    """What the protocol asks of every request and answer."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the version behind who it is and what they may."""
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and _header(request, "Tus-Resumable") != protocol.VERSION:
            raise Problem(
                "tus-version",
                f"Send Tus-Resumable: {protocol.VERSION}.",
                headers={"Tus-Version": protocol.VERSION},
            )

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Say in every answer, an error too, what is spoken."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method == "HEAD":
            response.data = None
        response.headers["Tus-Resumable"] = protocol.VERSION
        response.headers["Cache-Control"] = "no-store"
        return response

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Say what can be done here."""
        return Response(
            status=204,
            headers={
                "Tus-Version": protocol.VERSION,
                "Tus-Extension": protocol.EXTENSIONS,
                "Tus-Max-Size": str(settings.RESUMABLE_MAX_BYTES),
                "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
            },
        )


class ResumableListView(TusView):
    """Where uploads begin."""

    permissions: ClassVar = {"POST": ADD}

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """Begin an upload of so many bytes; refused now if it can't be taken to its end."""
        length = _length(request)
        said = _header(request, "Upload-Metadata")
        metadata = _read(protocol.metadata, said)
        options = _options(metadata)
        names = (metadata[name] for name in protocol.NAMES if name in metadata)
        user = cast(User, request.user)
        try:
            count_upload(user)
            upload = store.create(
                user=user,
                length=length,
                file_name=next(names, ""),
                metadata=said,
                options=options,
            )
        except TooManyUploads as refused:
            headers = {"Retry-After": str(refused.seconds)}
            raise Problem("too-many-requests", str(refused), headers=headers) from refused
        except NoRoom as refused:
            raise Problem("no-room", str(refused)) from refused
        except UploadRefused as refused:
            raise Problem("quota-full", str(refused)) from refused
        return Response(
            status=201,
            headers={"Location": f"/api/uploads/{upload.pk}", **_expires(upload)},
        )


class ResumableView(TusView):
    """One upload, for whoever began it."""

    # GET stands for HEAD.
    permissions: ClassVar = {"GET": ADD, "PATCH": ADD, "DELETE": ADD}

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: uuid.UUID) -> Response:
        """How much has come."""
        upload = store.find(pk, cast(User, request.user))
        headers = {
            "Upload-Offset": str(upload.offset),
            "Upload-Length": str(upload.length),
            **_expires(upload),
        }
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return Response(headers=headers | _import_of(upload))

    @extend_schema(exclude=True)
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Let the bytes that follow in: they are read behind this answer."""
        if request.content_type != protocol.CONTENT_TYPE:
            raise Problem("unsupported-media-type", f"Send Content-Type: {protocol.CONTENT_TYPE}.")
        offset = _number(request, "Upload-Offset")
        said = _header(request, "Upload-Checksum")
        checksum = _read(protocol.checksum, said) if said else None
        upload = store.find(pk, cast(User, request.user))
        if int(request.headers.get("Content-Length") or 0) > upload.length - offset:
            raise Problem("too-large", "More bytes are announced than Upload-Length has said.")
        if upload.job_id is not None and offset == upload.length:
            headers = {"Upload-Offset": str(offset), **_expires(upload)}
            return Response(status=204, headers=headers | _import_of(upload))
        try:
            writer = store.begin(upload, offset=offset, checksum=checksum)
        except store.WrongOffset:
            raise Problem(
                "wrong-offset", "The upload goes on at another byte. Ask for it by HEAD."
            ) from None
        except store.Locked:
            raise Problem(
                "upload-locked",
                "Another request writes this upload. Try again in a few seconds.",
                headers={"Retry-After": "2"},
            ) from None
        cast(Any, request._request).scope[GATE]["writer"] = writer
        return Response(status=204)

    @extend_schema(exclude=True)
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Give an upload up."""
        store.remove(store.find(pk, cast(User, request.user)))
        return Response(status=204)


def _header(request: Request, name: str) -> str:
    return str(request.headers.get(name, "")).strip()


def _read(parse: Any, value: str) -> Any:
    try:
        return parse(value)
    except Malformed as error:
        raise Problem("invalid", str(error)) from error


def _number(request: Request, name: str) -> int:
    return int(_read(lambda value: protocol.number(name, value), _header(request, name)))


def _length(request: Request) -> int:
    if not _header(request, "Upload-Length"):
        raise Problem("length-missing", "Say in Upload-Length how many bytes the file has.")
    length = _number(request, "Upload-Length")
    if not length:
        raise Problem("invalid", "The file is empty: 0 bytes. Choose another one.")
    if length > settings.RESUMABLE_MAX_BYTES:
        most = settings.RESUMABLE_MAX_BYTES / 1024**2
        raise Problem(
            "too-large",
            f"The file has {length / 1024**2:,.1f} MB; {most:,.0f} MB is the most. Split it, or"
            " import it with manage.py import_products.",
        )
    return length


def _options(metadata: dict[str, str]) -> Options:
    """The options of the upload form, under their own names; other metadata is the client's own."""
    form = UploadForm({name: metadata[name] for name in metadata if name != "file"})
    del form.fields["file"]
    if form.is_valid():
        return form.options()
    problems = {name: " ".join(map(str, errors)) for name, errors in form.errors.items()}
    raise Problem("invalid", " ".join(problems.values()), errors=problems)


def _expires(upload: ResumableUpload) -> dict[str, str]:
    return {"Upload-Expires": http_date(upload.expires_at.timestamp())}


def _import_of(upload: ResumableUpload) -> dict[str, str]:
    return protocol.import_headers(upload.job_id) if upload.job_id is not None else {}
