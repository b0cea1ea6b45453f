"""How figures of endpoints and deliveries read on a page."""

import datetime
import re
from http import HTTPStatus

import pytest
from django.utils import timezone

from webhooks.models import Endpoint
from webhooks.templatetags.webhooks import (
    address,
    ahead,
    answer_code,
    answer_text,
    latency,
    percent,
)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, "–"), (0, "0 ms"), (1999, "1,999 ms"), (2000, "2.0 s"), (15_003, "15.0 s")],
)
def test_latency_is_told_in_milliseconds_then_in_seconds(
    milliseconds: int | None, text: str
) -> None:
    assert latency(milliseconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.001, "0.1 %"),
        (98.64, "98.6 %"),
        (99.999, "99.9 %"),
        (100.0, "100 %"),
    ],
)
def test_share_is_never_rounded_to_all_or_nothing(value: float | None, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("status", "error", "shown", "whole"),
    [
        (None, "", "–", "–"),
        (HTTPStatus.NO_CONTENT, "", "ok 204", "ok 204 No Content"),
        (301, "", "bad 301", "bad 301 Moved Permanently"),
        (599, "", "bad 599", "bad 599"),
        (None, "refused", "bad refused", "bad Connection refused"),
        (200, "time_out", "bad time-out", "bad Took too long"),
        (None, "interrupted", "bad cut off", "bad The sending process ended"),
    ],
)
def test_answer_is_a_code_or_a_word(status: int | None, error: str, shown: str, whole: str) -> None:
    def told(*, phrase: bool) -> str:
        found = answer_code(status and int(status), error, phrase=phrase)
        return re.sub(r'<span class="code (\w+)"[^>]*>([^<]*)</span>', r"\1 \2", found)

    assert told(phrase=False) == shown
    assert told(phrase=True) == whole


def test_answer_within_a_sentence_is_plain() -> None:
    assert answer_text(503, "") == "503"
    assert answer_text(None, "dns") == "Name not found"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "now"), (0, "now"), (30.4, "in 30 s"), (5670.4, "in 1 h 34 min")]
)
def test_what_is_to_come_is_told_from_now(seconds: float, text: str) -> None:
    moment = timezone.now() + datetime.timedelta(seconds=seconds)

    assert re.sub(r"<[^>]+>", "", ahead(moment)) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/", "<b>a.example</b>"),
        ("https://a.example:8443/x/y?k=secret", "<b>a.example</b>:8443<wbr>/x<wbr>/y?…"),
        ("https://[2001:db8::1]/x", "<b>[2001:db8::1]</b><wbr>/x"),
        ("https://a.example/<b>", "<b>a.example</b><wbr>/&lt;b&gt;"),
    ],
)
def test_address_is_shown_without_its_query(url: str, shown: str) -> None:
    assert address(Endpoint(url=url)) == shown
