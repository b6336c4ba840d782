"""Foreign keys between an organisation's rows can't leave the organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [("orgs", "0001_initial")]

    operations = [
        SameOrganisation("orgs_membership", "sponsor_id", "orgs_membership"),
        SameOrganisation("orgs_membershipchange", "membership_id", "orgs_membership"),
        SameOrganisation("orgs_membershipchange", "by_id", "orgs_membership"),
    ]
