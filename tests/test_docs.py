"""What is documented exists, and what exists is documented."""

import ast
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from catalog.rules import CAUSES
from dev import procfile

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
READERS = {"env", "os.environ"}
COMPUTED = "computed"


def section(page: Path, heading: str) -> str:
    """The text under a heading, up to the next one of its level or above."""
    text = page.read_text()
    level = heading.split(" ")[0]
    start = text.index(f"\n{heading}\n") + len(heading)
    end = re.search(rf"\n#{{2,{len(level)}}} ", text[start:])
    return text[start : start + end.start()] if end else text[start:]


def table(text: str) -> dict[str, list[str]]:
    """The rows of a section's tables by the code in their first cell; cells with their marks."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def fenced(page: Path, language: str) -> Iterator[str]:
    """The lines of a page's code blocks of one language, comments cut off."""
    for block in re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def settings_read() -> dict[str, str]:
    """Every variable that the settings read, with its default as an environment would spell it."""
    found = {}
    for name in ("config/settings.py", "gunicorn.conf.py"):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func.value) in READERS
            ):
                found[ast.literal_eval(node.args[0])] = default_of(node)
    return found


def default_of(call: ast.Call) -> str:
    default = next((word.value for word in call.keywords if word.arg == "default"), None)
    if default is None:
        if len(call.args) < 2:
            return "needed"
        default = call.args[1]
    if any(isinstance(node, ast.Name) for node in ast.walk(default)):
        return COMPUTED
    # Arithmetic of this project's own settings, such as 100 * 1024**2.
    value: Any = eval(compile(ast.Expression(default), "settings", "eval"))  # noqa: S307
    if value in (None, []):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def documented_default(cell: str) -> str:
    """The default of a row of the table, as `settings_read` gives it."""
    first = cell.split(",")[0].split(" with ")[0]
    return first.strip().strip("`").lower()


def modules_of_imports() -> list[Path]:
    folder = ROOT / "imports"
    return [path for path in folder.rglob("*.py") if "tests" not in path.relative_to(folder).parts]


def refusals() -> set[str]:
    """Every code that a file can be refused with."""
    # That of a class of its own, which knows the columns that were found.
    codes = {"header_missing"}
    for module in modules_of_imports():
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Unreadable":
                codes.add(ast.literal_eval(node.args[0]))
    return codes


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(line) for line in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)}


def test_every_setting_stands_in_operations_with_its_default() -> None:
    documented = table(section(DOCS / "operations.md", "## Settings"))
    read = settings_read()

    assert documented.keys() == read.keys()
    assert {
        name: documented_default(documented[name][0])
        for name, default in read.items()
        if default != COMPUTED
    } == {name: default for name, default in read.items() if default != COMPUTED}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_management_command_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))

    assert named - get_commands().keys() == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_url_path_that_is_named_leads_somewhere(page: Path) -> None:
    for path in re.findall(r"`(/[a-z][a-z0-9/._-]*)`", without_code(page)):
        resolve(path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    named = set(re.findall(r"`(?:[A-Z]+=\S+ )?make ([a-z]+)", text))
    for line in fenced(page, "console"):
        if found := re.match(r"make ([a-z]+)", line):
            named.add(found[1])
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|html|sql))`", without_code(page))

    # Pages may name a module within its app: `management/commands/import_products.py`.
    assert [
        name for name in named if not any(ROOT.glob(name)) and not any(ROOT.glob(f"*/{name}"))
    ] == []


def test_every_cause_of_a_rejected_row_has_a_remedy() -> None:
    documented = table(section(DOCS / "imports.md", "### Reasons for which a row is rejected"))

    assert documented.keys() == CAUSES.keys()


def test_every_reason_to_refuse_a_file_has_a_remedy() -> None:
    text = section(DOCS / "imports.md", "### Reasons for which a file is refused")
    of_files = text.split("An import can also fail")[0]

    assert table(of_files).keys() == refusals()


def test_other_reasons_of_a_failed_import_are_those_of_the_code() -> None:
    text = section(DOCS / "imports.md", "### Reasons for which a file is refused")
    others = table(text.split("An import can also fail")[1])
    modules = [*modules_of_imports(), ROOT / "core/leases.py"]
    code = "".join(module.read_text() for module in modules)
    given = r'(?:error_code=|code = |_fail\(lease, )"([a-z_]+)"'

    assert others.keys() == set(re.findall(given, code))


def test_every_requirement_is_explained() -> None:
    for kind, name in (
        ("Product", "requirements.txt"),
        ("Development", "requirements-dev.txt"),
        ("Benchmarks", "benchmarks/requirements.txt"),
    ):
        lines = (ROOT / name).read_text().splitlines()
        required = {line.split("==")[0] for line in lines if "==" in line}

        explained = table(section(DOCS / "dependencies.md", f"## {kind}: {name}"))

        assert explained.keys() == required


def test_every_npm_package_is_explained() -> None:
    required = json.loads((ROOT / "tests/javascript/package.json").read_text())["dependencies"]

    explained = table(section(DOCS / "dependencies.md", "## Tests: tests/javascript/"))

    assert explained.keys() == required.keys()


def test_every_vendored_package_is_explained() -> None:
    folders = {f"{path.name}/" for path in (ROOT / "static/vendor").iterdir() if path.is_dir()}

    assert (
        table(section(DOCS / "dependencies.md", "## Front end: static/vendor/")).keys() == folders
    )


def test_every_module_has_its_line_in_the_house_map() -> None:
    told_of_by_folder = {"management", "migrations", "templatetags", "tests", "views"}
    for app in ("core", "accounts", "catalog", "imports", "webhooks"):
        text = section(DOCS / "architecture.md", f"### {app}")
        named = {
            name.removeprefix("api/")
            for name in re.findall(r"`([\w/]+\.py)`", text)
            if told_of_by_folder.isdisjoint(name.split("/"))
        }
        modules = {
            path.relative_to(ROOT / app).as_posix().removeprefix("api/")
            for path in (ROOT / app).rglob("*.py")
            if told_of_by_folder.isdisjoint(path.relative_to(ROOT / app).parts)
            and path.name != "__init__.py"
        }

        assert modules - named <= {"apps.py", "urls.py", "admin.py", "views.py"}
        assert named - modules == set()


def test_processes_are_those_of_the_procfile() -> None:
    entries = {entry.name: " ".join(entry.command) for entry in procfile.read(ROOT / "Procfile")}
    documented = table(section(DOCS / "operations.md", "## Processes"))

    assert {name: cells[0].strip("`") for name, cells in documented.items()} == entries


def test_examples_of_the_command_use_options_that_exist() -> None:
    command = load_command_class("imports", "import_products")
    parser = command.create_parser("manage.py", "import_products")
    examples = [
        line.split("import_products", 1)[1].split(" < ")[0]
        for line in fenced(ROOT / "README.md", "console")
        if "import_products" in line
    ]

    assert len(examples) == 3
    for example in examples:
        parser.parse_args(shlex.split(example))


def test_readme_lists_the_options_of_the_command_and_no_other() -> None:
    command = load_command_class("imports", "import_products")
    parser = command.create_parser("manage.py", "import_products")
    help_text = io.StringIO()
    parser.print_help(help_text)
    of_django = {"help", "version", "verbosity", "settings", "pythonpath", "traceback"}
    of_django |= {"no-color", "force-color", "skip-checks"}
    options = set(re.findall(r"--([a-z-]+)", help_text.getvalue())) - of_django

    documented = re.findall(r"`--([a-z-]+)", section(ROOT / "README.md", "## The command"))

    assert set(documented) == options


def test_pictures_are_shown_and_small() -> None:
    pictures = sorted((DOCS / "images").glob("*.png"))
    text = "".join(page.read_text() for page in PAGES)

    assert pictures
    for picture in pictures:
        assert f"images/{picture.name}" in text
        assert picture.stat().st_size < 200_000


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "performance.md"])
def test_measured_table_has_its_place(page: Path) -> None:
    assert re.search("<!-- performance -->.*<!-- /performance -->", page.read_text(), re.DOTALL)
