"""Receivers that answer as a test says, and what arrived at them."""

from collections.abc import Callable

from webhooks.receiving import OK, Answer, Received, Receiver

#: Start a receiver that answers by a function: the fixture of that name.
Answering = Callable[[Callable[[Received], Answer]], Receiver]


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[Received], Answer]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda received: (status, named, body)


def in_turn(*statuses: int) -> Callable[[Received], Answer]:
    """One status after the other, then 200."""
    left = list(statuses)
    return lambda received: (left.pop(0), {}, b"") if left else OK


def numbers(receiver: Receiver) -> list[int]:
    """What arrived, in the order in which it did."""
    return [int(each.event["number"]) for each in receiver.received if each.event is not None]
