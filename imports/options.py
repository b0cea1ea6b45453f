"""What is asked of an import, by whichever door it comes in."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from django.conf import settings

from imports.models import ImportJob


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file, and what to do with its rows.

    Of the reading, what is empty or None is found out: `encoding`, `delimiter`, `header_line`
    (1-based), `decimal` ("." or ","), `columns` (a field or "" for each column, in order).
    `mapping_id` is the mapping that somebody chose for it.
    `missing_agreed` is how many missing products may be deactivated or deleted though they are many
    (RISK_CATALOG_PERCENT). A plain Options() asks for nothing and stops for nothing; people and
    programs who don't choose get `Options.usual()`.
    """

    encoding: str = ""
    delimiter: str = ""
    header_line: int | None = None
    decimal: str = ""
    columns: tuple[str, ...] = ()
    mapping_id: int | None = None
    empty: str = ImportJob.Empty.KEEP
    mode: str = ImportJob.Mode.BOTH
    missing: str = ImportJob.Missing.KEEP
    missing_agreed: int | None = None
    review: str = ImportJob.Review.NEVER

    @classmethod
    def usual(cls, **chosen: Any) -> Options:
        """The options that the settings name, but for those that are chosen (not None or "")."""
        usual = {
            "empty": settings.IMPORT_EMPTY,
            "mode": settings.IMPORT_MODE,
            "missing": settings.IMPORT_MISSING,
            "review": settings.IMPORT_REVIEW,
        }
        return cls(**usual | {name: value for name, value in chosen.items() if value})

    @classmethod
    def of(cls, job: ImportJob) -> Options:
        """The options that a job was given."""
        return cls.from_json({each.name: getattr(job, each.name) for each in fields(cls)})

    def reading(self) -> dict[str, Any]:
        """What of these `imports.reading.read` takes."""
        return {
            "encoding": self.encoding or None,
            "delimiter": self.delimiter or None,
            "header_line": self.header_line,
            "decimal": self.decimal or None,
            "columns": self.columns,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Options:
        """Read back `as_json`; names that are not known any more are passed over."""
        names = {each.name for each in fields(cls)}
        known = {name: value for name, value in stored.items() if name in names}
        return cls(**known | {"columns": tuple(known.get("columns", ()))})

    def as_json(self) -> dict[str, Any]:
        """All options by name, as JSON takes them; also the fields of an ImportJob."""
        return asdict(self) | {"columns": list(self.columns)}
