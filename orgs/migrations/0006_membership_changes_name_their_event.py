"""The leaver's record names the events of what was done."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0005_memberships_to_end'),
    ]

    operations = [
        migrations.AddField(
            model_name='membershipchange',
            name='event_id',
            field=models.UUIDField(null=True),
        ),
    ]
