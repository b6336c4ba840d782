"""Foreign keys between an organisation's rows can't leave the organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [
        ("invitations", "0003_onboarding"),
        ("keys", "0002_same_organisation"),
        ("orgs", "0003_what_an_organisation_knows_of_a_person"),
    ]

    operations = [
        SameOrganisation("invitations_linktoken", "device_id", "keys_device"),
        SameOrganisation("invitations_onboarding", "invitation_id", "invitations_invitation"),
        SameOrganisation("invitations_onboarding", "link_token_id", "invitations_linktoken"),
        SameOrganisation("invitations_onboarding", "membership_id", "orgs_membership"),
        SameOrganisation("invitations_onboarding", "device_id", "keys_device"),
        SameOrganisation("invitations_phonechange", "membership_id", "orgs_membership"),
        SameOrganisation("invitations_phonechange", "decided_by_id", "orgs_membership"),
    ]
