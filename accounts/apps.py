from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import receivers
        from accounts.roles import make_roles

        receivers.connect()
        # Last of all apps: permissions of the others exist once their own post_migrate has run.
        post_migrate.connect(make_roles, dispatch_uid="accounts.make_roles")
