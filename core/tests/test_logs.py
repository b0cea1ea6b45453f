"""Log lines are JSON and say which request, job, change set and delivery they belong to."""

import io
import json
import logging
import logging.config
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django_guid import clear_guid, set_guid

from core.logs import log_ids


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


def test_line_is_one_json_object_with_the_ids_of_what_it_belongs_to(log: Log) -> None:
    set_guid("abc123")
    try:
        with log_ids(job_id=7, change_set_id=3):
            log.logger.info("import started: attempt=%d", 1)
    finally:
        clear_guid()

    (line,) = log.lines()
    assert line.pop("time")
    assert line == {
        "level": "INFO",
        "logger": "imports.pipeline",
        "message": "import started: attempt=1",
        "request_id": "abc123",
        "job_id": 7,
        "change_set_id": 3,
    }


def test_line_has_no_ids_but_those_that_are_known(log: Log) -> None:
    with log_ids(job_id=7):
        pass
    with log_ids(request_id="", change_set_id=None):
        log.logger.warning("anything")

    (line,) = log.lines()
    assert line.keys() == {"time", "level", "logger", "message"}


def test_inner_id_gives_way_to_the_outer_one_again(log: Log) -> None:
    with log_ids(job_id=1, endpoint_id=5):
        with log_ids(job_id=2):
            log.logger.info("inner")
        log.logger.info("outer")

    assert [(line["job_id"], line["endpoint_id"]) for line in log.lines()] == [(2, 5), (1, 5)]


def test_work_for_a_request_logs_its_id_instead_of_its_own(log: Log) -> None:
    set_guid("of-the-task")
    try:
        with log_ids(request_id="of-the-upload"):
            log.logger.info("inside")
        log.logger.info("outside")
    finally:
        clear_guid()

    assert [line["request_id"] for line in log.lines()] == ["of-the-upload", "of-the-task"]


def test_error_that_is_logged_outside_carries_the_ids_of_where_it_happened(log: Log) -> None:
    try:
        with log_ids(job_id=7), log_ids(change_set_id=3):
            raise RuntimeError
    except RuntimeError:
        log.logger.exception("task failed")
    log.logger.error("another")

    failed, another = log.lines()
    assert (failed["job_id"], failed["change_set_id"]) == (7, 3)
    assert "job_id" not in another


def test_id_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(TypeError, match="no such ids: jobid"), log_ids(jobid=7):
        pass


def test_long_id_that_a_client_chose_is_cut(log: Log) -> None:
    set_guid("x" * 5000)
    try:
        log.logger.info("anything")
    finally:
        clear_guid()

    assert log.lines()[0]["request_id"] == "x" * 128


def test_line_break_in_a_message_stays_within_its_line(log: Log) -> None:
    log.logger.info("file=%s", 'a\n{"level": "FORGED"}')

    (line,) = log.lines()
    assert line["level"] == "INFO"


def test_text_line_shows_the_ids_that_are_known() -> None:
    log = Log("text")

    with log_ids(job_id=7, delivery_id=9):
        log.logger.info("anything")
    log.logger.info("nothing")

    first, second = log.written.getvalue().splitlines()
    assert first.endswith(" INFO imports.pipeline job=7 delivery=9 anything")
    assert second.endswith(" INFO imports.pipeline nothing")
