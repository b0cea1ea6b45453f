"""The pages of an import that waits for its review."""

import re
from decimal import Decimal
from typing import cast

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from catalog import products
from imports.models import Decision, ImportJob
from imports.report import causes
from imports.reviews.outcome import outcome
from imports.tests.importing import catalog, completed, csv_of, product, run_next, woken
from imports.tests.waiting import in_review

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_staging_left"),
]

HTMX = {"HX-Request": "true", "HX-Target": "changes"}


def url(name: str, job: ImportJob) -> str:
    return reverse(f"imports:{name}", args=[job.pk])


def text_of(response: object) -> str:
    return cast("HttpResponse", response).content.decode()


def seen(client: Client, job: ImportJob) -> str:
    page = text_of(client.get(url("detail", job)))
    return page.partition('name="seen" value="')[2].partition('"')[0]


def test_page_shows_risks_first_and_what_applying_would_do(editor_client: Client) -> None:
    job = in_review(empty="clear", missing="deactivate")

    page = text_of(editor_client.get(url("detail", job)))

    assert "Waiting for review" in page
    assert "Nothing is written yet." in page
    assert "1 price moves by more than 50 %</b>, from 20.00 to 2.00." in page
    assert "1 product loses its price or description</b>" in page
    assert page.index("A-2") < page.index("A-3") < page.index("A-1")
    assert "−90.0 %" in page
    assert "<b>Creates 1</b>, <b>updates 3</b>" in page
    assert '<b class="tone bad">deactivates 1</b>' in page
    assert "Can be undone for 90 days." in page
    assert "Apply to 5 products" in page
    assert 'sse-connect="' not in page
    assert '<meta http-equiv="refresh"' not in page


def test_tabs_and_filters_are_links_and_fragments(editor_client: Client) -> None:
    job = in_review(empty="clear", missing="deactivate")

    fragment = text_of(editor_client.get(url("detail", job), {"class": "new"}, headers=HTMX))
    assert fragment.lstrip().startswith('<div class="stack" id="changes"')
    assert "New one" in fragment
    assert "A-1" not in fragment
    for asked, shown, hidden in (
        ({"class": "unchanged"}, "a-4", "B-1"),
        ({"class": "missing"}, "A-5", "A-1"),
        ({"class": "rejected"}, "Name is empty", "A-1"),
        ({"cause": "name_empty"}, "Name is empty", "A-1"),
        ({"class": "changed", "risk": "price_moved"}, "A-2", "A-3"),
        ({"class": "changed", "field": "description"}, "A-3", "A-2"),
        ({"class": "changed", "search": "bolt"}, "A-1", "A-2"),
        ({"class": "changed", "search": "nonsense"}, "Nothing found", "A-1"),
        ({"class": "odd", "page": "x"}, "A-1", "B-1"),
        ({"class": "conflicts"}, "No product was changed since", "A-1"),
    ):
        page = text_of(editor_client.get(url("detail", job), asked, headers=HTMX))
        assert shown.upper() in page.upper(), asked
        assert hidden not in page, asked


def test_single_tick_is_saved_at_once(editor_client: Client) -> None:
    job = in_review()

    response = editor_client.post(
        url("decide", job), {"row": "line-3", "leave": ["line-3", "line-2"]}, headers=HTMX
    )

    assert list(Decision.objects.values_list("line", "include")) == [(3, False)]
    page = text_of(response)
    assert 'id="changes"' not in page
    assert '<form class="apply" id="apply"' in page
    assert "1 row is left out." in page
    editor_client.post(url("decide", job), {"row": "line-3", "was": "line-3"}, headers=HTMX)
    assert list(Decision.objects.values_list("line", "include")) == [(3, True)]


def test_page_of_ticks_is_saved_by_one_button(editor_client: Client) -> None:
    job = in_review(missing="delete")
    key = f"product-{product('A-5').pk}"

    response = editor_client.post(
        url("decide", job) + "?class=missing", {"leave": [key, "line-2", "nonsense", "line-x"]}
    )

    assert response["Location"] == url("detail", job) + "?class=missing#changes"
    assert outcome(job).missing_left_out == outcome(job).left_out == 1
    editor_client.post(url("decide", job), {"leave": ["line-2"], "was": ["line-2", key]})
    assert (outcome(job).missing_left_out, outcome(job).left_out) == (0, 1)


def test_whole_class_is_left_out_and_taken_after_all(editor_client: Client) -> None:
    job = in_review(empty="clear")

    shown = HTMX | {"HX-Current-URL": f"http://testserver{url('detail', job)}?class=new"}
    fragment = text_of(
        editor_client.post(url("decide", job), {"leave_out": "emptied"}, headers=shown)
    )
    assert "New one" in fragment
    editor_client.post(url("decide", job), {"take": "emptied"}, headers=shown)
    page = text_of(
        editor_client.post(url("decide", job), {"leave_out": "price_moved"}, headers=HTMX)
    )

    assert "Take them after all" in page
    assert "1 row is left out." in page
    assert 'id="line-3"' in page
    job.refresh_from_db()
    assert job.left_out_classes == ["price_moved"]
    editor_client.post(url("decide", job), {"take": "price_moved"})
    job.refresh_from_db()
    assert job.left_out_classes == []


def test_what_was_announced_is_written(editor_client: Client) -> None:
    job = in_review(empty="clear")
    editor_client.post(url("decide", job), {"row": "line-3", "leave": "line-3"})

    response = editor_client.post(url("apply", job), {"seen": seen(editor_client, job)})

    assert response["Location"] == url("detail", job)
    assert woken() == 1
    done = run_next()
    assert (done.state, done.created, done.updated, done.left_out) == ("completed", 1, 2, 1)
    assert done.applied_by is not None
    assert done.applied_by.username == "editor"
    assert product("A-2").price == Decimal("20.00")
    page = text_of(editor_client.get(url("detail", done)))
    assert "Left out</dt><dd><b>1</b>" in page


def test_ticks_that_were_not_saved_are_saved_before_it_is_applied(editor_client: Client) -> None:
    job, before = in_review(), catalog()

    response = editor_client.post(
        url("apply", job), {"seen": seen(editor_client, job), "leave": "line-3"}, follow=True
    )

    assert "Saved. Look at the numbers once more, then apply." in text_of(response)
    assert "1 row is left out." in text_of(response)
    job.refresh_from_db()
    assert (job.state, catalog()) == ("review", before)


def test_numbers_that_are_out_of_date_apply_nothing(editor_client: Client) -> None:
    job = in_review()
    agreed = seen(editor_client, job)
    products.update(product("A-1").pk, source="form", actor=None, price=Decimal("11.00"))

    response = editor_client.post(url("apply", job), {"seen": agreed}, follow=True)

    assert "Nothing was applied yet" in text_of(response)
    assert "1 product was changed since this review was made." in text_of(response)
    job.refresh_from_db()
    assert (job.state, woken()) == ("review", 0)


@pytest.mark.parametrize(("answer", "price"), [("leave", "11.00"), ("overwrite", "10.50")])
def test_conflicts_are_shown_and_asked_about(
    editor_client: Client, answer: str, price: str
) -> None:
    job = in_review()
    products.update(product("A-1").pk, source="form", actor=None, price=Decimal("11.00"))

    page = text_of(editor_client.get(url("detail", job), {"class": "conflicts"}))
    assert "Leave it as it is now" in page
    assert '<span class="soft">10.00</span> → <b>11.00</b> → <ins>10.50</ins>' in page
    editor_client.post(url("apply", job), {"seen": seen(editor_client, job), "on_conflict": answer})
    run_next()

    assert product("A-1").price == Decimal(price)


def test_page_says_what_became_of_the_rows_that_were_not_rejected(editor_client: Client) -> None:
    job = in_review()
    products.update(product("A-1").pk, source="form", actor=None, price=Decimal("11.00"))
    editor_client.post(url("decide", job), {"row": "line-3", "leave": "line-3"}, headers=HTMX)
    editor_client.post(url("apply", job), {"seen": seen(editor_client, job)})
    done = run_next()

    page = text_of(editor_client.get(url("detail", job)))

    assert (done.staged, done.created, done.updated, done.unchanged) == (5, 1, 1, 1)
    assert (
        "1 row was left aside</b>, 16.7 % of the file. Of the other 5, 3 were taken,"
        " 1 was left out in the review, 1 was left as changed since the review."
    ) in page


def test_many_missing_products_need_their_number_typed(editor_client: Client) -> None:
    job, before = in_review(csv_of("A-1,Bolt,short,10.00,yes"), missing="delete"), catalog()
    agreed = seen(editor_client, job)
    page = text_of(editor_client.get(url("detail", job)))
    assert "4 products would be deleted</b>, 80 % of the catalog" in page
    assert 'name="missing_agreed"' in page

    for wrong in ("", "3", "four", "-4"):
        response = editor_client.post(url("apply", job), {"seen": agreed, "missing_agreed": wrong})
        assert response.status_code == 422
        assert "Nothing was applied. 4 products would be deleted" in text_of(response)
        assert catalog() == before
        assert woken() == 0
    editor_client.post(url("apply", job), {"seen": agreed, "missing_agreed": " 4 "})

    assert run_next().deleted == 4
    assert [sku for sku, *_ in catalog()] == ["A-1"]


def test_notice_of_missing_products_has_the_figures_of_now(editor_client: Client) -> None:
    job = in_review(csv_of("A-1,Bolt,short,10.00,yes"), missing="delete")
    completed(csv_of(*(f"N-{number},New,,,yes" for number in range(3))))

    page = text_of(editor_client.get(url("detail", job)))
    assert "4 products would be deleted</b>, 50 % of the catalog" in page
    assert "needs a yes of its own" in page
    assert '<b class="mono phrase">4</b>' in page

    completed(csv_of(*(f"M-{number},New,,,yes" for number in range(12))))
    page = text_of(editor_client.get(url("detail", job)))
    assert "4 products would be deleted</b>, 20 % of the catalog: they are missing" in page
    assert "needs a yes of its own" not in page
    assert 'name="missing_agreed"' not in page

    left = [f"product-{product(sku).pk}" for sku in ("A-2", "A-3", "A-4")]
    editor_client.post(url("decide", job), {"leave": left})
    page = text_of(editor_client.get(url("detail", job)))
    assert "1 product would be deleted</b>, 5 % of the catalog: it is missing" in page


def test_catalog_that_shrank_since_makes_missing_products_many(editor_client: Client) -> None:
    old = csv_of(*(f"A-{number},Bolt,,,yes" for number in range(10)))
    job = in_review(
        csv_of(*(f"A-{number},Bolt,,,yes" for number in range(8))), old=old, missing="delete"
    )
    assert "2 products would be deleted" not in text_of(editor_client.get(url("detail", job)))

    for number in range(4):
        products.delete(product(f"A-{number}").pk, source="form", actor=None)

    page = text_of(editor_client.get(url("detail", job)))
    assert "2 products would be deleted</b>, 33.3 % of the catalog" in page
    assert '<b class="mono phrase">2</b>' in page


def test_discarded_review_leaves_nothing(editor_client: Client) -> None:
    job, before = in_review(), catalog()

    editor_client.post(url("cancel", job))

    job.refresh_from_db()
    assert (job.state, catalog()) == ("cancelled", before)


def test_filter_of_rejected_rows_leads_back_to_the_rejected_ones(editor_client: Client) -> None:
    job = in_review()
    (cause,) = causes(job)
    path = reverse("imports:detail", args=[job.pk])

    page = text_of(editor_client.get(f"{path}?cause={cause.code}"))

    assert f'href="{path}?cause=#rejected" hx-get="{path}?cause="' in page
    back = text_of(editor_client.get(f"{path}?cause="))
    assert 'aria-label="Remove filter: cause"' not in back
    assert re.search('id="tab-rejected"[^>]*aria-current="page"', back)


def test_missing_product_is_not_decided_about_when_they_are_kept(editor_client: Client) -> None:
    job = in_review()
    url = reverse("imports:decide", args=[job.pk])

    answer = editor_client.post(url, {"leave": f"product-{product('A-1').pk}"})

    assert answer.status_code == 302
    assert not Decision.objects.exists()


def test_review_that_is_over_is_said_to_be(editor_client: Client) -> None:
    job = in_review()
    editor_client.post(url("cancel", job))

    for name in ("decide", "apply"):
        data = {"row": "line-2", "leave": "line-2"}
        response = editor_client.post(url(name, job), data, follow=True)
        assert "does not wait for a review any more" in text_of(response)
    stale = editor_client.get(url("detail", job), {"class": "new"}, headers=HTMX)
    assert stale["HX-Refresh"] == "true"
    late = editor_client.post(url("decide", job), {"leave_out": "new"}, headers=HTMX)
    assert late["HX-Refresh"] == "true"
    assert not Decision.objects.exists()


def test_review_that_is_gone_is_made_anew(editor_client: Client) -> None:
    job = in_review()
    editor_client.post(url("decide", job), {"row": "line-3", "leave": "line-3"})
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {job.staging}, {job.staging}_r")

    page = text_of(editor_client.get(url("detail", job)))
    assert "What this review showed is gone" in page
    assert 'id="apply"' not in page
    response = editor_client.post(url("review_anew", job))

    assert response["Location"] == url("detail", job)
    assert woken() == 1
    again = run_next()
    assert again.state == "review"
    page = text_of(editor_client.get(url("detail", again)))
    assert "This review was made anew." in page
    assert "1 row is left out." in page


def test_viewer_looks_and_decides_nothing(viewer_client: Client) -> None:
    job = in_review(empty="clear", missing="deactivate")

    page = text_of(viewer_client.get(url("detail", job)))
    assert "<b>updates 3</b>" in page
    assert 'type="checkbox" id="line-' not in page
    assert "Apply to" not in page
    assert "Leave out all" not in page
    for name in ("decide", "apply", "review_anew"):
        data = {"row": "line-2", "leave": "line-2"}
        assert viewer_client.post(url(name, job), data).status_code == 403

    job.refresh_from_db()
    assert (job.state, Decision.objects.count()) == ("review", 0)


def test_lists_say_that_it_waits_and_lead_to_it(editor_client: Client) -> None:
    job = in_review()

    for path in ("/imports/", "/imports/?state=review", "/"):
        page = text_of(editor_client.get(path))
        assert "Waiting for review" in page
        assert f'id="review-{job.pk}" href="{url("detail", job)}"' in page


def test_what_a_file_says_is_text_in_a_review(editor_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    job = in_review(csv_of(f"A-1,{evil},{evil},1.00,yes", f"{evil},{evil},{evil},1.00,yes"))

    for kind in ("changed", "new"):
        page = text_of(editor_client.get(url("detail", job), {"class": kind}))
        assert evil not in page
        assert "&lt;script&gt;" in page
