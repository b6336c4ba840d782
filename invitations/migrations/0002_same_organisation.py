"""Foreign keys between an organisation's rows can't leave the organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [
        ("invitations", "0001_initial"),
        ("orgs", "0003_what_an_organisation_knows_of_a_person"),
    ]

    operations = [
        SameOrganisation("invitations_invitation", "sponsor_id", "orgs_membership"),
        SameOrganisation("invitations_invitation", "party_id", "orgs_externalparty"),
        SameOrganisation("invitations_invitation", "issued_by_id", "orgs_membership"),
        SameOrganisation("invitations_invitation", "membership_id", "orgs_membership"),
    ]
