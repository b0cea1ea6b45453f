"""Print the webhooks that arrive: what a receiver sees, without writing one."""

import argparse
import io
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from webhooks.receiving import NOT_CHECKED, Answer, Received, Receiver

BODY_LINES = 40
LINE_CHARACTERS = 200


class Command(BaseCommand):
    help = (
        "Receive webhooks and print them, until Ctrl-C: event, id, whether the signature is good, "
        "and the body. Needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=9000, help="where to listen: 9000")
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for the whole network")
        parser.add_argument(
            "--secret",
            action="append",
            help="verify with this secret (whsec_…); may be repeated. Also read from the "
            "environment, as WEBHOOK_SECRET, where other users of the machine can't see it",
        )
        parser.add_argument("--status", type=_status, default=200, help="answer with this status")
        parser.add_argument(
            "--every-nth", type=_number, help="answer every so many deliveries with --fail-status"
        )
        parser.add_argument("--fail-status", type=_status, default=500)
        parser.add_argument("--delay", type=_seconds, default=0.0, help="wait before answering")
        parser.add_argument("--json", action="store_true", help="print a JSON object a line")
        parser.add_argument("--quiet-bodies", action="store_true", help="print no bodies")

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A product's name may hold what this terminal can't show.
            sys.stdout.reconfigure(errors="backslashreplace")
        secrets = options["secret"] or os.environ.get("WEBHOOK_SECRET", "").split()
        with _stopped_by_signals() as stopped:
            desk = _Desk(self, options, stopped)
            try:
                receiver = Receiver(
                    options["host"], options["port"], secrets, desk.answer, keep=False
                )
            except (ValueError, OSError, OverflowError) as error:
                raise CommandError(f"can't receive: {error}", returncode=2) from error
            opening = [f"receiving at {receiver.url}"]
            if not secrets:
                opening.append("no --secret: nothing is verified")
            to = self.stderr if options["json"] else self.stdout
            with receiver:
                # In one piece: a delivery may come as soon as somebody has read the first line.
                to.write("\n".join(opening))
                to.flush()
                stopped.wait()
            desk.summarize()


class _Desk:
    """Prints deliveries one after the other, counts them, and knows the answer to each."""

    def __init__(
        self, command: BaseCommand, options: dict[str, Any], stopped: threading.Event
    ) -> None:
        self._write = command.stdout
        self._options = options
        self._stopped = stopped
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def answer(self, received: Received) -> Answer:
        """Print a delivery; none after the summary."""
        with self._lock:
            if self._stopped.is_set():
                raise ConnectionAbortedError
            self._counts["received"] += 1
            self._counts["verified"] += received.verified
            self._counts["duplicates"] += received.duplicate
            status = self._status(self._counts["received"])
            if self._options["json"]:
                self._write.write(self._as_json(received, status))
            else:
                for line in self._as_text(received, status):
                    self._write.write(line)
            self._write.flush()
        self._stopped.wait(self._options["delay"])
        return status, {}, b""

    def summarize(self) -> None:
        with self._lock:
            counts = {name: self._counts[name] for name in ("received", "verified", "duplicates")}
            if self._options["json"]:
                self._write.write(json.dumps(counts))
            else:
                self._write.write(", ".join(f"{count:,} {name}" for name, count in counts.items()))

    def _status(self, number: int) -> int:
        nth = self._options["every_nth"]
        chosen = self._options["fail_status" if nth and number % nth == 0 else "status"]
        return int(chosen)

    def _as_json(self, received: Received, status: int) -> str:
        line: dict[str, Any] = {
            "at": received.at.isoformat(),
            "path": received.path,
            "type": _type(received),
            "id": received.webhook_id,
            "verified": None if received.problem == NOT_CHECKED else received.verified,
            "problem": received.problem,
            "duplicate": received.duplicate,
            "bytes": len(received.body),
            "count": _count(received),
            "status": status,
        }
        if not self._options["quiet_bodies"]:
            line["event"] = received.event
        return json.dumps(line)

    def _as_text(self, received: Received, status: int) -> Iterator[str]:
        signature = "signature good" if received.verified else f"NOT VERIFIED: {received.problem}"
        if received.problem == NOT_CHECKED:
            signature = "not verified"
        parts = [
            timezone.localtime(received.at).strftime("%H:%M:%S"),
            _type(received) or "no event",
            received.webhook_id or "no id",
            signature,
            *(["DUPLICATE"] if received.duplicate else []),
            *([f"{count:,} products"] if (count := _count(received)) is not None else []),
            f"{len(received.body):,} bytes",
            f"answered {status}",
        ]
        yield _printable(" | ".join(parts))
        if not self._options["quiet_bodies"]:
            yield from _body(received)


def _type(received: Received) -> str:
    kind = (received.event or {}).get("type")
    return kind if isinstance(kind, str) else ""


def _count(received: Received) -> int | None:
    data = (received.event or {}).get("data")
    count = data.get("count") if isinstance(data, dict) else None
    return count if _type(received) == "product.batch" and isinstance(count, int) else None


def _body(received: Received) -> Iterator[str]:
    text = received.body.decode(errors="backslashreplace")
    if received.event is not None:
        text = json.dumps(received.event, indent=2, ensure_ascii=False)
    lines = text.split("\n")
    for line in lines[:BODY_LINES]:
        shown = line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + " …"
        yield f"    {_printable(shown)}"
    if len(lines) > BODY_LINES:
        yield f"    … {len(lines) - BODY_LINES:,} more lines"


def _printable(text: str) -> str:
    """Without what would steer the terminal: the sender may be anybody."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    stopped = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _status(text: str) -> int:
    if not text.isdecimal() or not 200 <= int(text) <= 599:
        raise argparse.ArgumentTypeError(f"{text!r} is no status from 200 to 599")
    return int(text)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
