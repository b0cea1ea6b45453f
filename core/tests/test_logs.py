"""Log lines are JSON and say which request and which job they belong to."""

import io
import json
import logging
import logging.config
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django_guid import clear_guid, set_guid

from core.logs import logging_job


class Log:
    """A logger with the handler of the settings, writing into memory."""

    def __init__(self, form: str) -> None:
        described: dict[str, Any] = settings.LOGGING
        parts = {part: deepcopy(described[part]) for part in ("formatters", "filters")}
        config: Any = logging.config.DictConfigurator(parts)
        self.written = io.StringIO()
        handler = logging.StreamHandler(self.written)
        handler.setFormatter(config.configure_formatter(config.config["formatters"][form]))
        for name in described["handlers"]["console"]["filters"]:
            handler.addFilter(config.configure_filter(config.config["filters"][name]))
        self.logger = logging.Logger("imports.pipeline")  # noqa: LOG001  apart from those of the process
        self.logger.addHandler(handler)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log("json")


def test_line_is_one_json_object_with_request_and_job(log: Log) -> None:
    set_guid("abc123")
    try:
        with logging_job(7):
            log.logger.info("import started: attempt=%d", 1)
    finally:
        clear_guid()

    (line,) = log.lines()
    assert line.pop("time")
    assert line == {
        "level": "INFO",
        "logger": "imports.pipeline",
        "message": "import started: attempt=1",
        "correlation_id": "abc123",
        "job_id": 7,
    }


def test_outside_a_request_and_a_job_both_are_null(log: Log) -> None:
    with logging_job(7):
        pass
    log.logger.warning("anything")

    (line,) = log.lines()
    assert (line["correlation_id"], line["job_id"]) == (None, None)


def test_inner_job_gives_way_to_the_outer_one_again(log: Log) -> None:
    with logging_job(1):
        with logging_job(2):
            log.logger.info("inner")
        log.logger.info("outer")

    assert [line["job_id"] for line in log.lines()] == [2, 1]


def test_line_break_in_a_message_stays_within_its_line(log: Log) -> None:
    log.logger.info("file=%s", 'a\n{"level": "FORGED"}')

    (line,) = log.lines()
    assert line["level"] == "INFO"


def test_text_lines_name_the_job_too() -> None:
    log = Log("text")

    with logging_job(7):
        log.logger.info("anything")

    assert log.written.getvalue().endswith(" INFO imports.pipeline job=7 anything\n")
