"""What people do with sources; page, API and admin are thin above these functions.

An address may hold a secret in its query, so only what stands before it is ever shown. A password
is shown to nobody, and goes along to no other machine than the one it was typed for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser, AbstractUser
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import AuditEntry
from core.downloads import Asked
from core.outbound import check_url
from imports.fetches import schedules
from imports.fetches.schedules import Schedule
from imports.models import Fetch, Source
from imports.options import Options

NAME_MAX: Final = 100
#: Stands in a shown address for a query, which may be a secret.
HIDDEN_QUERY: Final = "?…"


class SourceRefused(Exception):
    """A value can't be taken; the text says why and what helps."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Access:
    """Where a file is and who may have it."""

    url: str
    username: str = ""
    password: str = ""

    def asked(self, *, etag: str = "", last_modified: str = "") -> Asked:
        return Asked(
            url=self.url,
            username=self.username,
            password=self.password,
            etag=etag,
            last_modified=last_modified,
        )


def access_of(source: Source) -> Access | None:
    """None if it can't be decrypted: a former SECRET_KEY is missing."""
    kept: dict[str, str] | None = source.access
    return None if kept is None else Access(**kept)


def shown(url: str) -> str:
    """The part of a URL that may be shown."""
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return bare + HIDDEN_QUERY if parts.query else bare


def access_from(source: Source | None, *, url: str, username: str, password: str | None) -> Access:
    """The access that was typed; what is not shown and was left as it is stays.

    `url` may be the address as it was shown. `password` None is the one that is kept.

    Raises:
        SourceRefused: the password that is kept was given for another machine.
        UrlRefused: the URL is none that may be asked.
    """
    before = access_of(source) if source is not None else None
    kept = before is not None and source is not None and url == source.address
    url = before.url if kept and before is not None else check_url(url)
    if not username:
        return Access(url)
    if password is None:
        password = before.password if before is not None else ""
        moved = before is not None and _machine(before.url) != _machine(url)
        if password and moved:
            raise SourceRefused(
                "password",
                "The address is on another machine now. Type the password for it.",
            )
    if ":" in username:
        raise SourceRefused("username", "A user name can't have a colon in it.")
    return Access(url, username, password)


def create(
    *,
    actor: AbstractBaseUser | None,
    name: str,
    access: Access,
    options: Options,
    schedule: Schedule | None = None,
    enabled: bool = True,
) -> Source:
    """Make a source.

    Raises:
        SourceRefused: the name is taken.
    """
    kept: Any = vars(access)
    with _unique_name(name):
        source = Source.objects.create(
            name=name,
            address=shown(access.url),
            access=kept,
            options=options.as_json(),
            enabled=enabled,
            created_by_id=actor.pk if actor else None,
        )
        schedules.keep(source, schedule)
        audit.record(AuditEntry.Action.SOURCE_CREATED, actor=actor, target=name)
    return source


def change(source: Source, *, actor: AbstractBaseUser, **values: Any) -> Source:
    """Change some of what `create` takes.

    A file that is read in another way, or comes from another place, is new, even if its bytes
    are not. A source whose owner may not import any more becomes the actor's.

    Raises:
        SourceRefused: the name is taken.
    """
    access: Access | None = values.get("access")
    options = values.get("options")
    if "schedule" in values:
        schedule: Schedule | None = values["schedule"]
    else:
        schedule = schedules.of_source(source)
    changed = _changed(source, values)
    with _unique_name(values.get("name", source.name)):
        fields = ["name", "enabled", "etag", "last_modified", "sha256", "options", "created_by"]
        source.name = values.get("name", source.name)
        source.enabled = values.get("enabled", source.enabled)
        if access is not None and vars(access) != source.access:
            if access.url != (source.access or {}).get("url"):
                _forget_file(source)
            fields += ["access", "address"]
            source.access, source.address = vars(access), shown(access.url)
        if options is not None and options.as_json() != source.options:
            source.options = options.as_json()
            _forget_file(source)
        if not may_import(cast("AbstractUser | None", source.created_by)):
            source.created_by_id = actor.pk
        source.save(update_fields=fields)
        schedules.keep(source, schedule)
        if changed:
            action = AuditEntry.Action.SOURCE_CHANGED
            audit.record(action, actor=actor, target=source.name, fields=changed)
    return source


@transaction.atomic
def delete(source: Source, *, actor: AbstractBaseUser | None) -> None:
    """Remove it with its schedule and its fetches; what it imported stays."""
    schedules.forget(source.pk)
    source.delete()
    audit.record(AuditEntry.Action.SOURCE_DELETED, actor=actor, target=source.name)


def once(*, actor: AbstractBaseUser, url: str, options: Options) -> Source:
    """A source for an address that is fetched by hand: the one that has it, or a new one.

    Raises:
        UrlRefused: the URL is none that may be asked.
    """
    access = Access(check_url(url))
    for source in Source.objects.filter(address=shown(access.url)):
        known = access_of(source)
        if known is not None and known.url == access.url:
            return source
    return create(actor=actor, name=_free_name(access.url), access=access, options=options)


def may_import(user: AbstractUser | None) -> bool:
    return user is not None and user.is_active and user.has_perm("imports.add_importjob")


def under_way(source: Source) -> Fetch | None:
    """The fetch that has not ended; there is one at most."""
    running = (Fetch.State.QUEUED, *Fetch.RUNNING)
    return source.fetches.filter(state__in=running).first()


def _machine(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _changed(source: Source, values: dict[str, Any]) -> list[str]:
    """Which of the values differ from what is kept; what they are stays secret."""
    access, options = values.get("access"), values.get("options")
    kept: dict[str, bool] = {
        "name": values.get("name", source.name) != source.name,
        "access": access is not None and vars(access) != source.access,
        "options": options is not None and options.as_json() != source.options,
        "schedule": "schedule" in values and values["schedule"] != schedules.of_source(source),
        "enabled": values.get("enabled", source.enabled) != source.enabled,
    }
    return [name for name, differs in kept.items() if differs]


def _forget_file(source: Source) -> None:
    source.etag = source.last_modified = source.sha256 = ""


def _free_name(url: str) -> str:
    parts = urlsplit(url)
    name = f"{parts.hostname}{parts.path}".rstrip("/")[: NAME_MAX - 6]
    taken = set(Source.objects.filter(name__startswith=name).values_list("name", flat=True))
    numbered = (name, *(f"{name} {number}" for number in range(2, len(taken) + 3)))
    return next(each for each in numbered if each not in taken)


@contextmanager
def _unique_name(name: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "imports_source_name" not in str(error):
            raise
        raise SourceRefused(
            "name", f"There is a source “{name}” already. Give it another name."
        ) from error
