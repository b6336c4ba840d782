"""The sweep finds the memberships whose end has come."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0004_service_tokens'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='membership',
            index=models.Index(condition=models.Q(('ends_at__isnull', False), models.Q(('status', 'ended'), _negated=True)), fields=['organisation', 'ends_at'], name='membership_to_end'),
        ),
    ]
