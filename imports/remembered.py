"""How people read the columns of earlier files: used again for files with the same columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog.rules import FIELDS, REQUIRED
from imports.columns import Recall, Recalled
from imports.mapping import folded, header_digest
from imports.models import Mapping
from imports.options import Options


class NameTaken(Exception):
    """There is a mapping of this name for other columns; the text says so."""


def recall(header: Sequence[str]) -> Recalled | None:
    """What a person last said about files with this header.

    None when nobody said anything, and for columns without names, which say nothing of a file.
    """
    if not any(map(folded, header)):
        return None
    known = Mapping.objects.filter(header_digest=header_digest(header))
    newest = known.order_by("-updated_at", "-pk").first()
    return _recalled(newest, header) if newest else None


def recaller(options: Options) -> Recall:
    """How an import recalls: by the mapping that was chosen for it if that fits, else by itself."""
    chosen = Mapping.objects.filter(pk=options.mapping_id).first() if options.mapping_id else None
    if chosen is None:
        return recall
    return lambda header: _recalled(chosen, header) or recall(header)


def _recalled(mapping: Mapping, header: Sequence[str]) -> Recalled | None:
    fields = apply(mapping, header)
    return None if fields is None else Recalled(fields, mapping.decimal)


def apply(mapping: Mapping, header: Sequence[str]) -> tuple[str, ...] | None:
    """The fields of a header's columns by a mapping's names, wherever those stand in it.

    A column that the mapping does not know is not imported. None when the header lacks a column
    that an import must have.
    """
    fields_of: dict[str, list[str]] = defaultdict(list)
    for column in mapping.columns:
        fields_of[_key(column["header"])].append(column["field"])
    fields = []
    for name in header:
        left = fields_of.get(_key(name))
        fields.append(left.pop(0) if left else "")
    return tuple(fields) if is_whole(fields) else None


def is_whole(fields: Sequence[str]) -> bool:
    """Whether the fields make an import: each once at most, the required ones there."""
    given = [field for field in fields if field]
    return len(set(given)) == len(given) and set(REQUIRED) <= set(given) <= set(FIELDS)


def remember(
    header: Sequence[str],
    fields: Sequence[str],
    *,
    user: AbstractBaseUser | None,
    decimal: str = "",
) -> Mapping:
    """Keep what a person said about the columns of a header, in place of what was said before."""
    mapping, _ = Mapping.objects.update_or_create(
        name="",
        header_digest=header_digest(header),
        defaults=_kept(header, fields, decimal=decimal, user=user),
    )
    return mapping


def save_as(
    name: str,
    header: Sequence[str],
    fields: Sequence[str],
    *,
    user: AbstractBaseUser | None,
    decimal: str = "",
) -> Mapping:
    """Keep a mapping under a name; one of that name for the same header is replaced.

    Raises:
        NameTaken: the name is that of a mapping for another header.
    """
    digest = header_digest(header)
    try:
        with transaction.atomic():
            mapping, _ = Mapping.objects.update_or_create(
                name=name,
                header_digest=digest,
                defaults=_kept(header, fields, decimal=decimal, user=user),
            )
    except IntegrityError as error:
        raise NameTaken(
            f"There is a mapping “{name}” for other columns. Choose another name, or delete that"
            " one first."
        ) from error
    return mapping


def named() -> QuerySet[Mapping]:
    """The mappings that have a name, by name."""
    return Mapping.objects.exclude(name="").select_related("created_by").order_by("name")


def _kept(
    header: Sequence[str],
    fields: Sequence[str],
    *,
    decimal: str,
    user: AbstractBaseUser | None,
) -> dict[str, object]:
    columns = [{"header": name, "field": field} for name, field in zip(header, fields, strict=True)]
    return {"columns": columns, "decimal": decimal, "created_by_id": user.pk if user else None}


def _key(name: str) -> str:
    return folded(name) or name.strip()
