"""Who may do what, before any page asks."""

import pytest
from django.test import Client

from accounts.models import User


@pytest.mark.integration
def test_a_role_holds_what_the_ones_before_it_hold(
    viewer: User, editor: User, manager: User
) -> None:
    def held(user: User) -> set[str]:
        return user.get_all_permissions()

    assert held(viewer) < held(editor) < held(manager)


@pytest.mark.integration
def test_a_viewer_sees_and_changes_nothing(viewer: User) -> None:
    assert viewer.has_perm("catalog.view_product")
    assert not viewer.has_perm("catalog.change_product")
    assert not viewer.has_perm("imports.add_importjob")


@pytest.mark.integration
@pytest.mark.parametrize("path", ["/products/", "/imports/", "/products/1/", "/admin/"])
def test_nobody_gets_in_without_a_sign_in(db: None, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert "sign-in" in response["Location"] or "login" in response["Location"]
