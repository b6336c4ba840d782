from django.db import migrations

COPY = """
INSERT INTO audit_retentionperiods
    (organisation_id, metadata_days, audit_days, existence_days, version, changed_at)
SELECT organisation_id, metadata_days, audit_days, existence_days, 1, now() FROM orgs_policy
"""

COPY_BACK = """
UPDATE orgs_policy SET (metadata_days, audit_days, existence_days) =
    (periods.metadata_days, periods.audit_days, periods.existence_days)
FROM audit_retentionperiods AS periods
WHERE periods.organisation_id = orgs_policy.organisation_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0004_retention'),
        ('orgs', '0010_versions_and_duty_approver'),
    ]

    operations = [
        migrations.RunSQL(COPY, COPY_BACK),
        migrations.RemoveConstraint(
            model_name='policy',
            name='policy_least_days',
        ),
        migrations.RemoveConstraint(
            model_name='policy',
            name='policy_existence_covers_metadata',
        ),
        migrations.RemoveField(
            model_name='policy',
            name='audit_days',
        ),
        migrations.RemoveField(
            model_name='policy',
            name='existence_days',
        ),
        migrations.RemoveField(
            model_name='policy',
            name='metadata_days',
        ),
    ]
