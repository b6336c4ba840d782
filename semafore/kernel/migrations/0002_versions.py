"""The sequence of rows' versions (kernel/versions.py)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_idempotent_answers")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE semafore_version", "DROP SEQUENCE semafore_version")
    ]
