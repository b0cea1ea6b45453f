"""The corpus of `make bench`: the same files from the same seed, and a truth that is one."""

import csv
import io
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.corpus.classes import CLASSES
from benchmarks.corpus.files import REFUSED, REFUSED_FILES, files, write_corpus
from benchmarks.corpus.writing import Made
from benchmarks.scores import Scores, print_scores
from benchmarks.sniffers import Seen
from benchmarks.understanding import Case, cases, judged, with_text

ONE = "\ue000"
#: Their quotes are letters, or stand around rows, or there is more than cells: a plain reader does
#: not know that.
NOT_PLAIN = {
    "stray quotes",
    "several at once",
    "rows quoted as a whole",
    "drawn with bars and rules",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


def digest(of: Iterator[tuple[str, Made]]) -> str:
    return sha256(repr(list(islice(of, 200))).encode()).hexdigest()


def read_by_its_truth(case: Case) -> list[list[str]]:
    """The table as Python's reader cuts it when it is told everything; header rows one by one."""
    truth = case.truth
    text = case.text().removesuffix("\x1a")
    lines = list(io.StringIO(text.replace("\r\r\n", "\r\n"), newline=""))
    lines = lines[truth["preamble_lines"] : len(lines) - truth["footer_lines"]]
    if truth["comment"]:
        lines = [line for line in lines if not line.startswith(truth["comment"])]
    delimiter = truth["delimiter"]
    if len(delimiter) > 1:
        lines = [line.replace(delimiter, ONE) for line in lines]
        delimiter = ONE
    quote, escape = truth["quotechar"], truth["escapechar"]
    return with_text(
        list(
            csv.reader(
                lines,
                delimiter=delimiter or ONE,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                escapechar=escape or None,
                skipinitialspace=truth["kind"] == "quotes and escapes",
            )
        )
    )


def test_same_seed_makes_the_same_files_and_another_seed_others() -> None:
    assert digest(files(7)) == digest(files(7)) != digest(files(8))


def test_there_are_many_hundreds_of_files_of_every_class(folder: Path) -> None:
    made = list(cases(folder))

    assert {case.kind for case in made} == {*CLASSES, REFUSED}
    assert len(made) == sum(count for _, count in CLASSES.values()) + REFUSED_FILES >= 1_000
    assert len({case.path.read_bytes() for case in made}) > 0.97 * len(made)


def test_truth_about_a_file_gives_its_table(folder: Path) -> None:
    for case in cases(folder):
        if case.truth["kind"] in NOT_PLAIN or case.is_workbook or not case.truth["understood"]:
            continue
        assert case.table is not None
        header_lines = case.truth["header_lines"]
        joined = 1 if header_lines else 0
        rows = read_by_its_truth(case)
        assert rows[header_lines:] == with_text(case.table[joined:]), case.path.name
        if header_lines == 1:
            assert rows[:1] == with_text(case.table[:1]), case.path.name


def test_truth_is_judged_as_right_in_every_way(folder: Path) -> None:
    for case in cases(folder):
        truth = case.truth
        text = case.text() if truth["understood"] else ""
        seen = Seen(
            delimiter=truth["delimiter"],
            quotechar=truth["quotechar"],
            escapechar=truth["escapechar"],
            encoding=truth["encoding"],
            header=case.table[0] if case.table and truth["header_lines"] else (),
            decimal=truth["decimal"],
            table=case.table,
            understood=truth["understood"],
        )
        ways = judged(case, text, seen)
        assert ways
        assert all(ways.values()), (case.path.name, ways)


def test_nothing_understood_is_judged_as_wrong_in_every_way(folder: Path) -> None:
    for case in cases(folder):
        understood = case.truth["understood"]
        text = case.text() if understood else ""
        ways = judged(case, text, Seen(understood=not understood))
        assert ways
        assert not any(ways.values()), (case.path.name, ways)


def test_shares_are_rounded_down_and_printed_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    scores = Scores()
    for number in range(3):
        scores.add("ours", "tiny", f"{number}.csv", {"dialect": number > 0, "table": True}, 0.002)

    print_scores(scores)

    printed = capsys.readouterr().out.splitlines()
    assert "| tiny | 3 | 66.6 |  |  |  | 100.0 |  |" in printed
    assert "| tiny | 66.6 / 100.0 |" in printed
    assert "clevercsv is not installed." in printed
    assert scores.as_dict()["misread"] == {"ours": {"tiny": ["0.csv: dialect"]}}
