"""What every log line carries besides its message: the ids of what it belongs to.

A line has the ids that are known where it is written and no others. The id of the request goes with
the rows that the request made, so that one search finds the lines of all processes.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django_guid import get_guid

Id = int | str

NAMES: Final = (
    "request_id",
    "user_id",
    "job_id",
    "operation_id",
    "change_set_id",
    "endpoint_id",
    "delivery_id",
)
#: Of a request's id, which whoever asks may choose.
LONGEST: Final = 128
_ATTRIBUTE: Final = "log_ids"

_ids: ContextVar[Mapping[str, Id]] = ContextVar("log_ids")


@contextmanager
def log_ids(**ids: Id | None) -> Iterator[None]:
    """Give log lines inside the block these ids, beside those that they have; None gives none.

    An exception that leaves the block takes them along, for whoever logs or reports it outside.
    """
    unknown = ids.keys() - set(NAMES)
    if unknown:
        raise TypeError(f"no such ids: {', '.join(sorted(unknown))}")
    known = _ids.get({})
    token = _ids.set({**known, **{name: value for name, value in ids.items() if value}})
    try:
        yield
    except Exception as error:
        if not hasattr(error, _ATTRIBUTE):
            setattr(error, _ATTRIBUTE, current_ids())
        raise
    finally:
        _ids.reset(token)


def current_ids(error: BaseException | None = None) -> dict[str, Id]:
    """The ids of this moment, or of the moment in which `error` was raised."""
    known = {**_ids.get({}), **getattr(error, _ATTRIBUTE, {})}
    request_id = str(known.get("request_id") or get_guid() or "")[:LONGEST]
    found = {**known, "request_id": request_id}
    return {name: found[name] for name in NAMES if found.get(name)}


def current_request() -> str:
    """The id of the request that is being answered or worked for, "" outside of one."""
    return str(current_ids().get("request_id", ""))


class Ids(logging.Filter):
    """Add to a record the ids that are known."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        for name, value in current_ids(error).items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class Text(logging.Formatter):
    """For people: `job=7 change_set=3` in front of the message."""

    def format(self, record: logging.LogRecord) -> str:
        found = {name.removesuffix("_id"): getattr(record, name, None) for name in NAMES}
        record.ids = "".join(f" {name}={value}" for name, value in found.items() if value)
        return super().format(record)
