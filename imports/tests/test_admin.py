"""Imports in the admin: to be looked at, and run again by those who may."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from core.leases import request_cancel
from imports.models import ImportJob
from imports.tests.importing import accepted, completed, csv_of, run_next, woken

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

LIST = "/admin/imports/importjob/"
TEXT = csv_of("A-1,One,,,")


def client_of(user: User) -> Client:
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def run_again(client: Client, *jobs: ImportJob) -> str:
    chosen = {"action": "run_again", "_selected_action": [job.pk for job in jobs]}
    response = client.post(LIST, chosen, follow=True)
    return response.content.decode()


def cancelled() -> ImportJob:
    job = accepted(TEXT)
    assert request_cancel(job)
    return job


def test_editor_runs_a_cancelled_import_again(editor: User) -> None:
    job = cancelled()

    page = run_again(client_of(editor), job)

    assert f"#{job.pk} products.csv is queued again." in page
    assert woken() == 1
    assert run_next().state == ImportJob.State.COMPLETED


def test_what_can_not_run_again_is_told_and_the_rest_is_queued(editor: User) -> None:
    done, ended = completed(TEXT), cancelled()

    page = run_again(client_of(editor), done, ended)

    assert f"#{done.pk} products.csv: Only an import that failed or was cancelled" in page
    done.refresh_from_db()
    ended.refresh_from_db()
    assert (done.state, ended.state) == ("completed", "queued")


def test_viewer_looks_and_runs_nothing_again(viewer: User) -> None:
    job = cancelled()
    client = client_of(viewer)

    assert client.get(LIST).status_code == 200
    run_again(client, job)

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert woken() == 0


def test_nobody_edits_or_deletes_an_import(editor: User) -> None:
    job = completed(TEXT)
    editor.user_permissions.add(*Permission.objects.filter(content_type__app_label="imports"))
    client = client_of(editor)

    assert client.get(f"{LIST}{job.pk}/change/").status_code == 200
    assert client.post(f"{LIST}{job.pk}/change/", {"state": "queued"}).status_code == 403
    assert client.post(f"{LIST}{job.pk}/delete/", {"post": "yes"}).status_code == 403
    job.refresh_from_db()
    assert job.state == ImportJob.State.COMPLETED
