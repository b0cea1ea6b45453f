"""What people did beside changing products stands in the audit, with who it was."""

import datetime
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.audit import record
from accounts.models import AuditEntry, User
from accounts.receivers import FAILURES_IN_WINDOW
from accounts.roles import EDITOR, MANAGER, VIEWER

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SIGN_IN = "/account/sign-in/"
PASSWORD = "correct horse"
Action = AuditEntry.Action


def entries(*actions: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Who, did what, to whom, with which details; oldest first."""
    found = AuditEntry.objects.order_by("id")
    if actions:
        found = found.filter(action__in=actions)
    return list(found.values_list("actor_name", "action", "target", "details"))


def forget() -> None:
    AuditEntry.objects.all().delete()


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def staff(manager: User) -> User:
    """A manager who may enter the admin."""
    manager.is_staff = True
    manager.save()
    return manager


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    forget()
    return client


def page_of(user: User) -> str:
    return f"/admin/accounts/user/{user.pk}/change/"


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    """What a browser posts from the admin's page of a user, with everything that it could forge."""
    kept: dict[str, Any] = {
        "username": user.username,
        "first_name": "",
        "last_name": "",
        "email": user.email,
        "time_zone": "",
        "date_joined_0": "2026-11-01",
        "date_joined_1": "08:00:00",
        "groups": [group.pk for group in user.groups.all()],
        **{name: "on" for name in ("is_active", "is_staff") if getattr(user, name)},
    }
    return {name: value for name, value in {**kept, **changes}.items() if value is not None}


# --- Sign-ins -------------------------------------------------------------------------------


def test_signing_in_and_out_are_kept(viewer: User) -> None:
    forget()
    client = Client()

    client.post(SIGN_IN, {"username": "viewer", "password": PASSWORD})
    client.post("/account/sign-out/")

    assert entries() == [
        ("viewer", "signed_in", "", {}),
        ("viewer", "signed_out", "", {}),
    ]
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {viewer.pk}


def test_signing_out_twice_is_kept_once(viewer: User) -> None:
    client = client_of(viewer)

    client.post("/account/sign-out/")
    client.post("/account/sign-out/")

    assert entries() == [("viewer", "signed_out", "", {})]


def test_failed_sign_in_keeps_the_name_and_never_the_password(viewer: User) -> None:
    forget()
    secret = "battery staple"

    Client().post(SIGN_IN, {"username": "viewer", "password": secret})
    Client().post(SIGN_IN, {"username": "nobody", "password": secret})

    assert entries() == [
        ("", "sign_in_failed", "viewer", {}),
        ("", "sign_in_failed", "nobody", {}),
    ]
    assert secret not in str(list(AuditEntry.objects.values()))


def test_name_that_was_tried_is_cut() -> None:
    assert authenticate(username="x" * 500, password="battery staple") is None

    assert entries() == [("", "sign_in_failed", "x" * 150, {})]


def test_one_failure_a_minute_is_kept_of_each_name(viewer: User) -> None:
    forget()
    for _ in range(5):
        Client().post(SIGN_IN, {"username": "viewer", "password": "wrong"})
    assert entries() == [("", "sign_in_failed", "viewer", {})]

    AuditEntry.objects.update(at=timezone.now() - datetime.timedelta(seconds=61))
    Client().post(SIGN_IN, {"username": "viewer", "password": "wrong"})

    assert entries() == [("", "sign_in_failed", "viewer", {})] * 2


def test_failures_under_ever_new_names_do_not_fill_the_table() -> None:
    for at in range(FAILURES_IN_WINDOW + 5):
        authenticate(username=f"name-{at}", password="wrong")

    assert AuditEntry.objects.count() == FAILURES_IN_WINDOW


# --- Users ----------------------------------------------------------------------------------


def test_user_who_is_made_on_the_command_line_has_no_actor() -> None:
    User.objects.create_user("ann", password=PASSWORD)
    User.objects.create_superuser("root", password=PASSWORD)

    assert entries() == [
        ("", "user_created", "ann", {}),
        ("", "user_created", "root", {"is_staff": True, "is_superuser": True}),
    ]


def test_user_who_is_made_in_the_admin_names_who_made_him(root: User) -> None:
    client = client_of(root)

    client.post(
        "/admin/accounts/user/add/",
        {
            "username": "ann",
            "usable_password": "true",
            "password1": "quite a long one",
            "password2": "quite a long one",
        },
    )

    assert entries() == [("root", "user_created", "ann", {})]


def test_change_keeps_old_and_new_values_but_of_a_password_only_that(
    root: User, viewer: User
) -> None:
    client = client_of(root)

    client.post(
        page_of(viewer), form_of(viewer, username="v", email="v@example.com", is_active=None)
    )
    client.post(
        f"/admin/accounts/user/{viewer.pk}/password/",
        {"usable_password": "true", "password1": "quite a long one",
         "password2": "quite a long one"},
    )  # fmt: skip

    changed = {
        "username": ["viewer", "v"],
        "email": ["", "v@example.com"],
        "is_active": [True, False],
    }
    assert entries() == [
        ("root", "user_changed", "v", changed),
        ("root", "user_changed", "v", {"password": ["", ""]}),
    ]


def test_save_that_changes_nothing_that_is_watched_leaves_no_entry(
    root: User, viewer: User
) -> None:
    client = client_of(root)

    client.post(page_of(viewer), form_of(viewer, time_zone="Europe/Berlin"))
    viewer.refresh_from_db()
    viewer.save()

    assert viewer.time_zone == "Europe/Berlin"
    assert entries() == []


def test_newer_hash_of_the_same_password_is_no_change(viewer: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    old = viewer.password
    forget()

    Client().post(SIGN_IN, {"username": "viewer", "password": PASSWORD})

    viewer.refresh_from_db()
    assert viewer.password != old
    assert entries() == [("viewer", "signed_in", "", {})]


def test_deleted_user_stays_by_name(root: User, viewer: User) -> None:
    Client().force_login(viewer)
    client = client_of(root)
    record(Action.EXPORTED, actor=viewer, target="3 products")

    client.post(f"/admin/accounts/user/{viewer.pk}/delete/", {"post": "yes"})

    assert entries() == [
        ("viewer", "exported", "3 products", {}),
        ("root", "user_deleted", "viewer", {}),
    ]
    assert list(AuditEntry.objects.order_by("id").values_list("actor", flat=True)) == [
        None,
        root.pk,
    ]


def test_user_who_deletes_himself_stays_by_name(root: User) -> None:
    client = client_of(root)

    response = client.post(f"/admin/accounts/user/{root.pk}/delete/", {"post": "yes"})

    assert response.status_code == 302
    assert entries("user_deleted") == [("root", "user_deleted", "root", {})]
    assert AuditEntry.objects.get(action=Action.USER_DELETED).actor is None


# --- Roles ----------------------------------------------------------------------------------


def test_role_given_in_the_admin_names_who_gave_it(root: User, viewer: User) -> None:
    client = client_of(root)

    client.post(page_of(viewer), form_of(viewer, groups=[Group.objects.get(name=EDITOR).pk]))

    assert entries() == [
        ("root", "roles_changed", "viewer", {"removed": [VIEWER]}),
        ("root", "roles_changed", "viewer", {"added": [EDITOR]}),
    ]


def test_roles_are_audited_from_the_side_of_the_group_too(viewer: User, editor: User) -> None:
    forget()
    managers: Any = Group.objects.get(name=MANAGER)

    managers.user_set.add(viewer, editor)
    managers.user_set.remove(viewer)
    managers.user_set.clear()
    editor.groups.clear()
    editor.groups.clear()

    assert sorted(entries()[:2]) == [
        ("", "roles_changed", "editor", {"added": [MANAGER]}),
        ("", "roles_changed", "viewer", {"added": [MANAGER]}),
    ]
    assert entries()[2:] == [
        ("", "roles_changed", "viewer", {"removed": [MANAGER]}),
        ("", "roles_changed", "editor", {"removed": [MANAGER]}),
        ("", "roles_changed", "editor", {"removed": [EDITOR]}),
    ]


def test_permission_of_one_user_is_audited_by_its_name(viewer: User) -> None:
    forget()
    permission = Permission.objects.get(codename="delete_all_products")

    viewer.user_permissions.add(permission)
    viewer.user_permissions.add(permission)
    viewer.user_permissions.set([])

    assert entries() == [
        ("", "roles_changed", "viewer", {"added": ["catalog.delete_all_products"]}),
        ("", "roles_changed", "viewer", {"removed": ["catalog.delete_all_products"]}),
    ]


def test_migration_brings_roles_in_step_and_leaves_no_entry(viewer: User) -> None:
    forget()

    call_command("migrate", verbosity=0)

    assert entries() == []
    assert viewer.groups.get().name == VIEWER


# --- The admin ------------------------------------------------------------------------------


def test_audit_is_read_in_the_admin_and_never_written(root: User, viewer: User) -> None:
    client = client_of(root)
    record(Action.EXPORTED, actor=viewer, target="3 products")
    record(Action.EXPORTED, actor=root, target="7 products")
    pk = AuditEntry.objects.earliest("id").pk

    found = client.get("/admin/accounts/auditentry/", {"q": "viewer"}).content.decode()
    assert "3 products" in found
    assert "7 products" not in found
    assert client.get("/admin/accounts/auditentry/", {"at__year": "2000"}).status_code in {200, 302}
    page = f"/admin/accounts/auditentry/{pk}/"
    assert client.post(f"{page}change/", {"target": "nothing"}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/accounts/auditentry/add/").status_code == 403
    assert [target for _, _, target, _ in entries("exported")] == ["3 products", "7 products"]


def test_manager_sets_groups_and_switches_people_off(staff: User, viewer: User) -> None:
    client = client_of(staff)
    editors = Group.objects.get(name=EDITOR)

    response = client.post(page_of(viewer), form_of(viewer, groups=[editors.pk], is_active=None))

    assert response.status_code == 302
    viewer.refresh_from_db()
    assert (viewer.is_active, list(viewer.groups.all())) == (False, [editors])


@pytest.mark.parametrize("whom", ["viewer", "manager"])
def test_manager_makes_nobody_more_than_he_may(
    staff: User, whom: str, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(whom)
    user.refresh_from_db()
    permission = Permission.objects.get(codename="delete_user")
    client = client_of(staff)
    was_staff = user.is_staff

    response = client.post(
        page_of(user),
        form_of(user, is_superuser="on", is_staff="on", user_permissions=[permission.pk]),
    )

    assert response.status_code == 302
    user.refresh_from_db()
    assert (user.is_superuser, user.is_staff) == (False, was_staff)
    assert not user.user_permissions.exists()
    assert entries() == []
    page = client.get(page_of(user)).content.decode()
    assert 'name="groups"' in page
    for name in ("is_superuser", "is_staff", "user_permissions"):
        assert f'name="{name}"' not in page


def test_manager_makes_no_superuser_by_creating_one(staff: User) -> None:
    client = client_of(staff)

    client.post(
        "/admin/accounts/user/add/",
        {"username": "ann", "usable_password": "true", "password1": "quite a long one",
         "password2": "quite a long one", "is_superuser": "on", "is_staff": "on"},
    )  # fmt: skip

    ann = User.objects.get(username="ann")
    assert (ann.is_superuser, ann.is_staff) == (False, False)


def test_manager_does_not_touch_a_superuser(staff: User, root: User) -> None:
    client = client_of(staff)
    before = User.objects.filter(pk=root.pk).values().get()
    new = {"usable_password": "true", "password1": "quite a long one",
           "password2": "quite a long one"}  # fmt: skip

    changed = client.post(page_of(root), form_of(root, username="r", is_active=None))
    password = client.post(f"/admin/accounts/user/{root.pk}/password/", new)
    deleted = client.post(f"/admin/accounts/user/{root.pk}/delete/", {"post": "yes"})

    assert (changed.status_code, password.status_code, deleted.status_code) == (403, 403, 403)
    assert User.objects.filter(pk=root.pk).values().get() == before
    assert entries() == []


def test_superuser_sets_everything(root: User, viewer: User) -> None:
    client = client_of(root)

    client.post(page_of(viewer), form_of(viewer, is_staff="on", is_superuser="on"))

    viewer.refresh_from_db()
    assert (viewer.is_staff, viewer.is_superuser) == (True, True)
    assert entries() == [
        (
            "root",
            "user_changed",
            "viewer",
            {"is_staff": [False, True], "is_superuser": [False, True]},
        )
    ]
