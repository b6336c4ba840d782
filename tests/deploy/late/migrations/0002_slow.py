"""A statement that takes long."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_pagers")]

    operations = [migrations.RunSQL("SELECT pg_sleep(60)", migrations.RunSQL.noop)]
