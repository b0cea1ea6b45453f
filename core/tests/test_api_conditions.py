"""If-Match and If-None-Match: no edit on top of one that was not seen."""

from typing import Any

import pytest
from django.apps import apps

from conftest import ApiClient

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Product = apps.get_model("catalog", "Product")


@pytest.fixture
def path() -> str:
    return f"/api/products/{Product.objects.create(sku='A-1', name='One').pk}"


def change(api: ApiClient, path: str, if_match: str) -> Any:
    return api.send("PATCH", path, {"name": "Two"}, If_Match=if_match)


@pytest.mark.parametrize("header", ["{etag}", '"other", {etag}', "*", " * ", "{etag} , W/{etag}"])
def test_edit_of_what_was_read_goes_through(editor_api: ApiClient, path: str, header: str) -> None:
    etag = editor_api.get(path)["ETag"]

    response = change(editor_api, path, header.format(etag=etag))

    assert (response.status_code, Product.objects.get().name) == (200, "Two")
    assert response["ETag"] != etag


@pytest.mark.parametrize("header", ['"other"', "W/{etag}", '"1", "2"', '""'])
def test_edit_of_another_version_is_refused(editor_api: ApiClient, path: str, header: str) -> None:
    etag = editor_api.get(path)["ETag"]

    response = change(editor_api, path, header.format(etag=etag))

    assert (response.status_code, Product.objects.get().name) == (412, "One")
    assert response.json()["type"] == "/api/docs#changed-since"
    assert response["ETag"] == etag


@pytest.mark.parametrize("header", ["other", "{bare}", "'{bare}'", "", '"half'])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_header_that_is_no_etag_is_refused_and_not_passed_over(
    editor_api: ApiClient, path: str, method: str, header: str
) -> None:
    bare = editor_api.get(path)["ETag"].strip('"')

    response = editor_api.send(method, path, {"name": "Two"}, If_Match=header.format(bare=bare))

    assert (response.status_code, Product.objects.get().name) == (400, "One")
    assert response.json()["errors"] == [{"field": "If-Match", "message": "This is no ETag."}]


@pytest.mark.parametrize("header", ["{etag}", "W/{etag}", "*", '"other", {etag}'])
def test_what_the_client_has_is_not_sent_again(
    viewer_api: ApiClient, path: str, header: str
) -> None:
    etag = viewer_api.get(path)["ETag"]

    response = viewer_api.get(path, headers={"If-None-Match": header.format(etag=etag)})

    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)


def test_deletion_of_another_version_is_refused(editor_api: ApiClient, path: str) -> None:
    response = editor_api.send("DELETE", path, If_Match='"other"')

    assert response.status_code == 412
    assert Product.objects.exists()
