"""Foreign keys between an organisation's rows can't leave the organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [("realtime", "0001_initial"), ("keys", "0002_same_organisation")]

    operations = [SameOrganisation("realtime_connection", "device_id", "keys_device")]
