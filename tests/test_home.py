"""The home page: figures that lead on, and what each role finds there."""

import gzip
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from catalog import products
from catalog.models import ChangeSet, Product
from imports.models import ImportJob
from webhooks.models import Endpoint, EndpointHour, Lane
from webhooks.tests.listening import endpoint

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def make(number: int, **values: object) -> Product:
    return products.create(
        source="form", actor=None, sku=f"A-{number}", name=f"Product {number}", **values
    )


def job(state: str = "completed", *, days: int = 0, **counts: int) -> ImportJob:
    at = timezone.now() - timedelta(days=days)
    return ImportJob.objects.create(
        file_name=f"{state}.csv", state=state, finished_at=at, upload="imports/a", **counts
    )


def text(response: Any) -> str:
    """The words of the page, without marks."""
    page = re.sub(r"<svg.*?</svg>", "", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def figure(page: str, name: str) -> tuple[str, str, str]:
    """A figure of the page: where it leads, what it is, the note under it."""
    found = re.search(
        rf'<dt>{name}</dt><dd><b><a href="([^"]+)">([^<]+)</a></b><span[^>]*>([^<]+)</span>', page
    )
    assert found is not None, name
    return found.group(1), found.group(2), found.group(3)


def test_figures_lead_to_what_they_count(editor_client: Client) -> None:
    for number in range(8):
        make(number, active=number < 6, price=Decimal("1") if number else None)

    page = editor_client.get("/").content.decode()

    assert figure(page, "Products") == ("/products/", "8", "8 more than a week ago")
    assert figure(page, "Active") == ("/products/?active=true", "6", "75 % of the catalog")
    assert figure(page, "Without a price") == (
        "/products/?priced=false", "1", "12.5 % of the catalog",
    )  # fmt: skip
    assert figure(page, "Changed in 7 days") == (
        reverse("catalog:activity"), "8", "in 8 change sets",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["Products", "Active", "Without a price"])
def test_list_behind_a_figure_has_as_many(editor_client: Client, name: str) -> None:
    for number in range(8):
        make(number, active=number < 6, price=Decimal("1") if number < 5 else None)

    url, count, _ = figure(editor_client.get("/").content.decode(), name)

    listed = re.search(r'id="matching"[^>]*>\s*(\d+)', editor_client.get(url).content.decode())
    assert listed is not None
    assert listed.group(1) == count


@pytest.mark.parametrize(
    ("created", "deleted", "said"),
    [(2318, 0, "2,318 more than a week ago"), (0, 7, "7 fewer than a week ago"),
     (5, 5, "as many as a week ago")],
)  # fmt: skip
def test_catalog_is_compared_with_a_week_ago(
    viewer_client: Client, created: int, deleted: int, said: str
) -> None:
    Product.objects.create(sku="A-1", name="One")
    ChangeSet.objects.create(source="import", created=created, deleted=deleted)

    assert figure(viewer_client.get("/").content.decode(), "Products")[2] == said


def test_last_change_is_told_with_who_made_it(viewer_client: Client, editor: User) -> None:
    products.create(source="form", actor=editor, sku="A-1", name="One")
    assert "Last changed 0 s ago by editor" in text(viewer_client.get("/"))

    make(2)
    assert "Last changed 0 s ago by" not in text(viewer_client.get("/"))
    assert "Last changed 0 s ago" in text(viewer_client.get("/"))


def test_editor_finds_the_drop_zone_and_the_way_to_a_new_product(editor_client: Client) -> None:
    make(1)

    page = editor_client.get("/").content.decode()

    assert f'action="{reverse("imports:upload")}"' in page
    assert "js/upload.js" in page
    assert f'href="{reverse("catalog:create")}"' in page


def test_viewer_finds_neither(viewer_client: Client) -> None:
    for number in range(2):  # an empty catalog, and one with a product
        page = viewer_client.get("/").content.decode()

        assert 'type="file"' not in page
        assert "js/upload.js" not in page
        assert reverse("catalog:create") not in page
        make(number)


def test_empty_catalog_says_what_to_do_next(editor_client: Client) -> None:
    response = editor_client.get("/")

    words = text(response)
    assert "No products yet" in words
    assert "500,000 rows take a few seconds. Or add the first one by hand" in words
    assert 'type="file"' in response.content.decode()
    assert "Rows imported a day" not in words
    assert "Last imports" not in words


def test_empty_catalog_tells_a_viewer_whom_to_ask(viewer_client: Client) -> None:
    assert "Ask an editor." in text(viewer_client.get("/"))


def test_emptied_catalog_still_shows_what_was_imported(editor_client: Client) -> None:
    job(created=3)

    words = text(editor_client.get("/"))

    assert "No products yet" in words
    assert "Rows imported a day" in words
    assert "completed.csv" in words


def test_month_without_an_import_says_so(viewer_client: Client) -> None:
    make(1)
    job(days=40, created=5)

    response = viewer_client.get("/")

    assert "Nothing was imported in the last 30 days" in text(response)
    assert 'class="plot"' not in response.content.decode()


def test_chart_is_there_for_eyes_ears_and_pointers(viewer_client: Client) -> None:
    make(1)
    job(created=1200, updated=50, rejected=1)

    page = viewer_client.get("/").content.decode()

    plot = re.search(r'<svg class="plot" role="img" aria-label="([^"]+)">(.*?)</svg>', page, re.S)
    assert plot is not None
    assert plot.group(1).endswith("Today: 50 updated, 1,200 created, 1 rejected.")
    today = timezone.localdate().strftime("%-d %b")
    assert f"<title>{today}: 50 updated, 1,200 created, 1 rejected</title>" in plot.group(2)
    assert plot.group(2).count("<g>") == 30
    assert "<td>50</td><td>1,200</td><td>1</td>" in page
    assert page.count('<th scope="row">') == 1


def test_chart_of_a_full_month_is_a_few_kilobytes(viewer_client: Client) -> None:
    make(1)
    for days in range(30):
        job(days=days, created=12_345 + 17 * days, updated=234_567 - 999 * days, rejected=days + 1)

    page = viewer_client.get("/").content

    chart = re.search(rb'<svg class="plot".*?</div>', page, re.S)
    assert chart is not None
    assert len(chart.group()) < 20_000
    assert len(gzip.compress(chart.group())) < 4_000
    assert b"style=" not in page


def test_last_imports_are_six_and_the_newest_first(viewer_client: Client) -> None:
    make(1)
    for number in range(8):
        job("completed", created=number)
    job("failed")
    newest = job("queued")

    response = viewer_client.get("/")

    shown = re.findall(r'id="job-(\d+)"', response.content.decode())
    assert shown == [str(newest.pk - number) for number in range(6)]
    assert "Queued queued.csv – – –" in text(response)
    assert "Completed completed.csv 7 0 0" in text(response)


def test_htmx_gets_the_last_imports_alone(viewer_client: Client) -> None:
    make(1)
    job("queued")

    fragment = viewer_client.get("/", headers={"HX-Request": "true"}).content.decode()

    assert fragment.strip().startswith('<section class="card" id="last-imports"')
    assert "queued.csv" in fragment
    assert "<html" not in fragment
    assert 'hx-trigger="every 5s"' in fragment


def test_imports_are_watched_only_while_one_runs(viewer_client: Client) -> None:
    make(1)
    job("completed")

    assert "every 5s" not in viewer_client.get("/").content.decode()


def test_user_without_a_role_is_told_whom_to_ask(db: None) -> None:
    make(1)
    client = Client()
    client.force_login(User.objects.create_user("nobody", password="correct horse"))

    response = client.get("/")

    assert response.status_code == 403
    words = text(response)
    assert "Your account has no role yet" in words
    assert "Signed in as nobody, no role yet" in words
    assert "Catalog" not in words
    assert "Last changed" not in words


@pytest.fixture
def manager_client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def hour(of: Endpoint, *, arrived: int, failed: int = 0) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    EndpointHour.objects.create(endpoint=of, hour=now, arrived=arrived, failed=failed)


def test_manager_finds_how_webhooks_do_those_in_trouble_first(manager_client: Client) -> None:
    make(1)
    well, disabled, failing = (
        endpoint(f"https://{name}.example.com/hook") for name in ("well", "disabled", "failing")
    )
    hour(well, arrived=990, failed=10)
    hour(failing, arrived=0, failed=10)
    Endpoint.objects.filter(pk=disabled.pk).update(state="disabled")
    soon = timezone.now() + timedelta(minutes=94, seconds=30)
    Lane.objects.filter(pk=failing.pk).update(failures=5, last_error="time_out", due_at=soon)

    response = manager_client.get("/")

    assert figure_of_deliveries(response) == ("1,010", "tone warn", "98 % arrived")
    assert (
        "Webhooks All webhooks Endpoint Last day Arrived failing.example.com 0 %"
        " disabled.example.com disabled well.example.com 99 %"
        " failing.example.com : Took too long, next try in 1 h 34 min"
    ) in text(response)


def figure_of_deliveries(response: Any) -> tuple[str, ...]:
    found = re.search(
        r'<dt>Deliveries in 24 hours</dt><dd><b><a href="/webhooks/">([^<]+)</a></b>'
        r'<span class="small ([^"]+)">([^<]+)</span>',
        response.content.decode(),
    )
    assert found is not None
    return found.groups()


def test_six_endpoints_are_shown_at_most(manager_client: Client) -> None:
    make(1)
    for number in range(8):
        endpoint(f"https://n{number}.example.com/hook")

    response = manager_client.get("/")

    assert figure_of_deliveries(response) == ("0", "soft", "nothing was sent")
    assert re.findall(r"n\d\.example", response.content.decode()) == [
        f"n{number}.example" for number in range(6)
    ]


def test_home_without_endpoints_leads_to_the_first(manager_client: Client) -> None:
    make(1)

    response = manager_client.get("/")

    assert figure_of_deliveries(response) == ("0", "soft", "no endpoints yet")
    assert "No endpoints yet" in text(response)
    assert 'href="/webhooks/new/"' in response.content.decode()


def test_others_find_nothing_of_webhooks(editor_client: Client, viewer_client: Client) -> None:
    make(1)
    endpoint()

    for client in (editor_client, viewer_client):
        response = client.get("/")
        assert "Deliveries" not in text(response)
        assert "Webhooks" not in text(response)
        assert "example.com" not in response.content.decode()


def test_webhooks_cost_home_six_statements_and_its_fragment_none(
    manager_client: Client, editor_client: Client
) -> None:
    make(1)
    for number in range(8):
        made = endpoint(f"https://n{number}.example.com/hook")
        Endpoint.objects.filter(pk=made.pk).update(state="disabled" if number % 2 else "active")

    def asked(client: Client, **headers: str) -> int:
        client.get("/", headers=headers)
        with CaptureQueriesContext(connection) as queries:
            client.get("/", headers=headers)
        return len(queries)

    # The endpoints, their hours; all hours, all that waits, how many fail, how many are disabled.
    assert asked(manager_client) - asked(editor_client) == 6
    assert asked(manager_client, **{"HX-Request": "true"}) == asked(
        editor_client, **{"HX-Request": "true"}
    )


def test_home_takes_a_fixed_number_of_statements(viewer_client: Client) -> None:
    for number in range(30):
        make(number)
        job(days=number, created=number)
    viewer_client.get("/")

    with CaptureQueriesContext(connection) as asked:
        viewer_client.get("/")

    # Session, user, permissions twice, the week, the last change, the chart, the last imports, how
    # many run; the stock is remembered outside of a transaction only, so each total is three.
    assert len([each for each in asked if "SAVEPOINT" not in each["sql"]]) <= 16


@pytest.mark.parametrize("role", ["viewer", "editor", "manager"])
def test_account_menu_names_the_highest_role(role: str, request: pytest.FixtureRequest) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(role))

    assert f"Signed in as {role}, {role} " in text(client.get("/"))


def test_account_menu_names_a_superuser(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="correct horse"))

    assert "Signed in as root, superuser " in text(client.get("/"))
