"""Foreign keys between an organisation's rows can't leave the organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [("keys", "0001_initial"), ("orgs", "0002_same_organisation")]

    operations = [
        SameOrganisation("keys_device", "membership_id", "orgs_membership"),
        SameOrganisation("keys_device", "decided_by_id", "orgs_membership"),
        SameOrganisation("keys_device", "endorser_id", "keys_device"),
        SameOrganisation("keys_keybundle", "device_id", "keys_device"),
        SameOrganisation("keys_signedprekey", "device_id", "keys_device"),
        SameOrganisation("keys_claim", "claimant_device_id", "keys_device"),
        SameOrganisation("keys_claim", "target_id", "keys_device"),
        SameOrganisation("keys_devicetoken", "device_id", "keys_device"),
    ]
