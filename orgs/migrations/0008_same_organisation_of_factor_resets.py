"""A factor reset names people of its own organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [("orgs", "0007_console_sign_in")]

    operations = [
        SameOrganisation("orgs_factorreset", "membership_id", "orgs_membership"),
        SameOrganisation("orgs_factorreset", "requested_by_id", "orgs_membership"),
        SameOrganisation("orgs_factorreset", "decided_by_id", "orgs_membership"),
    ]
