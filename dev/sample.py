"""Made-up products of a hardware shop, the same for the same seed."""

# ruff: noqa: RUF001 - sizes are written with a real multiplication sign, which tests encodings too

import csv
import random
from collections.abc import Iterator
from pathlib import Path

COLUMNS = ("sku", "name", "description", "price", "active")

_MAKERS = ("Brennan", "Ferrum", "Halvorsen", "Kestrel", "Lindqvist", "Nordhaus", "Orvieto", "Tamar")
_MATERIALS = (
    ("stainless steel A2", 1.6),
    ("zinc-plated steel", 1.0),
    ("brass", 1.9),
    ("galvanised steel", 1.1),
    ("hardened steel", 1.4),
    ("aluminium", 1.3),
    ("polyamide", 0.7),
)
# code, name, sizes, price of the plainest piece, what it is for
_KINDS = (
    ("SCR", "Wood screw, countersunk", ("3.5×30", "4×40", "4×60", "5×80", "6×100"), 4.9,
     "Torx drive, self-drilling tip. Box of 200."),
    ("BLT", "Hexagon bolt DIN 933", ("M6×20", "M8×30", "M8×50", "M10×40", "M12×80"), 6.4,
     "Full thread, strength class 8.8. Box of 50."),
    ("NUT", "Hexagon nut DIN 934", ("M4", "M5", "M6", "M8", "M10", "M12"), 2.8,
     "Metric coarse thread. Box of 100."),
    ("WSH", "Washer DIN 125", ("M4", "M6", "M8", "M10", "M12"), 1.9,
     "Chamfered on one side. Box of 250."),
    ("ANC", "Wall anchor", ("5 mm", "6 mm", "8 mm", "10 mm"), 5.2,
     "For concrete, solid and hollow brick. Box of 100."),
    ("HNG", "Butt hinge", ("40 mm", "60 mm", "80 mm", "100 mm"), 3.7,
     "Fixed pin, holes for countersunk screws. Pair."),
    ("BRK", "Angle bracket", ("30×30", "50×50", "70×70", "90×90"), 1.2,
     "Stiffened by a bead, for beams and posts."),
    ("HDL", "Cabinet handle", ("96 mm", "128 mm", "160 mm", "192 mm"), 4.3,
     "Two M4 screws included."),
    ("DRL", "Drill bit", ("3 mm", "4 mm", "5 mm", "6 mm", "8 mm", "10 mm"), 3.1,
     "Ground, 118° point, for metal and wood."),
    ("PIP", "Pipe clamp", ("15 mm", "22 mm", "28 mm", "35 mm", '1/2"', '3/4"'), 0.9,
     "With rubber insert, deadens sound."),
    ("CHN", "Link chain, per metre", ("2 mm", "3 mm", "4 mm", "6 mm"), 2.4,
     "Short links, welded. Not for lifting."),
    ("LCK", "Padlock", ("30 mm", "40 mm", "50 mm", "60 mm"), 8.5,
     "Two keys, shackle hardened. Keyed alike on request."),
)  # fmt: skip


def rows(count: int, *, seed: int = 1) -> Iterator[tuple[str, str, str, str, str]]:
    """`count` products in the order of COLUMNS, as text; about 130 bytes a line in a CSV.

    No SKU comes twice. One product in fifty is inactive, one in a hundred has no price, one in
    twenty no description; names hold commas, quotation marks and characters beyond ASCII.
    """
    chance = random.Random(seed)  # noqa: S311
    for number in range(1, count + 1):
        code, kind, sizes, plain_price, purpose = chance.choice(_KINDS)
        material, factor = chance.choice(_MATERIALS)
        maker = chance.choice(_MAKERS)
        price = plain_price * factor * chance.uniform(0.8, 2.4)
        yield (
            f"{maker[:3].upper()}-{code}-{number:06d}",
            f"{kind} {chance.choice(sizes)}, {material}",
            "" if chance.random() < 0.05 else f"{purpose} Made by {maker}.",
            "" if chance.random() < 0.01 else f"{price:.2f}",
            "false" if chance.random() < 0.02 else "true",
        )


def write_csv(path: Path, count: int, *, seed: int = 1) -> None:
    """Write a header and `count` products to `path`: UTF-8, commas, line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(count, seed=seed))
