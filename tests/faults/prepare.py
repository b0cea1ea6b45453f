"""Run once for a new database: schema, static files, one user a role, and the stop points."""

import os

import django

# Where a test can hold an import or an operation: whoever comes here waits while a test holds
# the advisory lock.
STOPS = {
    # the 1,000th line of a file on its way into staging
    "copy": 101,
    # products that the merge creates and changes: the one whose SKU ends in -001000
    "insert": 102,
    "update": 103,
    # everything is written, the job is about to be completed
    "finish": 104,
    # a product that is deleted: the one whose SKU ends in -001000
    "delete": 105,
    # everything is written, the bulk operation is about to be completed
    "done": 106,
    # the 4,100th event of a change set
    "publish": 107,
    # an answer has come and is about to be written down
    "attempt": 108,
}

STOP_POINTS = """
CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
    RETURN coalesce(NEW, OLD);
END $$;

CREATE FUNCTION stop_in_staging() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
    FOR made IN SELECT object_identity FROM pg_event_trigger_ddl_commands()
        WHERE command_tag = 'CREATE TABLE' AND object_identity ~ 'imports_staging_[^.]*$'
    LOOP
        EXECUTE format(
            'CREATE TRIGGER stop_copy BEFORE INSERT ON %%s FOR EACH ROW
             WHEN (NEW.line = 1000) EXECUTE FUNCTION stop_here(%(copy)s)', made.object_identity);
    END LOOP;
END $$;
CREATE EVENT TRIGGER stop_in_staging ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION stop_in_staging();

CREATE TRIGGER stop_insert BEFORE INSERT ON catalog_product FOR EACH ROW
    WHEN (NEW.sku LIKE '%%-001000') EXECUTE FUNCTION stop_here(%(insert)s);
CREATE TRIGGER stop_update BEFORE UPDATE ON catalog_product FOR EACH ROW
    WHEN (NEW.sku LIKE '%%-001000') EXECUTE FUNCTION stop_here(%(update)s);
CREATE TRIGGER stop_delete BEFORE DELETE ON catalog_product FOR EACH ROW
    WHEN (OLD.sku LIKE '%%-001000') EXECUTE FUNCTION stop_here(%(delete)s);
CREATE TRIGGER stop_done BEFORE UPDATE ON catalog_bulkoperation FOR EACH ROW
    WHEN (NEW.state = 'completed') EXECUTE FUNCTION stop_here(%(done)s);
CREATE TRIGGER stop_finish BEFORE UPDATE ON imports_importjob FOR EACH ROW
    WHEN (NEW.state = 'completed') EXECUTE FUNCTION stop_here(%(finish)s);
CREATE TRIGGER stop_publish BEFORE INSERT ON webhooks_event FOR EACH ROW
    WHEN (NEW.sequence = 4100) EXECUTE FUNCTION stop_here(%(publish)s);
CREATE TRIGGER stop_attempt BEFORE INSERT ON webhooks_attempt FOR EACH ROW
    EXECUTE FUNCTION stop_here(%(attempt)s);
"""

PASSWORD = "correct horse battery"


def prepare() -> None:
    """Migrate and fill the database that DATABASE_URL names."""
    django.setup()
    from django.contrib.auth.models import Group
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User
    from accounts.roles import EDITOR, MANAGER, VIEWER

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    for role in (VIEWER, EDITOR, MANAGER):
        user = User.objects.create_user(username=role, password=PASSWORD)
        user.groups.add(Group.objects.get(name=role))
    User.objects.create_superuser(username="admin", password=PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute(STOP_POINTS % STOPS)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.settings")
    prepare()
