"""A column more on a table that everybody reads."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True

    dependencies = [("keys", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE keys_device ADD COLUMN pager text",
            "ALTER TABLE keys_device DROP COLUMN pager",
        )
    ]
