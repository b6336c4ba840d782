"""Foreign keys between an organisation's rows can't leave the organisation."""

from django.db import migrations

from semafore.kernel.tenancy import SameOrganisation


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0001_initial"),
        ("orgs", "0010_versions_and_duty_approver"),
        ("keys", "0004_versions"),
    ]

    operations = [
        SameOrganisation("messaging_room", "parent_id", "messaging_room"),
        SameOrganisation("messaging_room", "created_by_id", "orgs_membership"),
        SameOrganisation("messaging_room", "closed_by_id", "orgs_membership"),
        SameOrganisation("messaging_room", "party_id", "orgs_externalparty"),
        SameOrganisation("messaging_roommembership", "room_id", "messaging_room"),
        SameOrganisation("messaging_roommembership", "membership_id", "orgs_membership"),
        SameOrganisation("messaging_roommembership", "added_by_id", "orgs_membership"),
        SameOrganisation("messaging_roommembership", "ended_by_id", "orgs_membership"),
        SameOrganisation("messaging_roomrequest", "room_id", "messaging_room"),
        SameOrganisation("messaging_roomrequest", "requested_by_id", "orgs_membership"),
        SameOrganisation("messaging_requestdecision", "request_id", "messaging_roomrequest"),
        SameOrganisation("messaging_requestdecision", "by_id", "orgs_membership"),
        SameOrganisation("messaging_namedguest", "request_id", "messaging_roomrequest"),
        SameOrganisation("messaging_namedguest", "membership_id", "orgs_membership"),
        SameOrganisation("messaging_broadcast", "sender_id", "orgs_membership"),
        SameOrganisation("messaging_broadcast", "sender_device_id", "keys_device"),
        SameOrganisation("messaging_message", "room_id", "messaging_room"),
        SameOrganisation("messaging_message", "broadcast_id", "messaging_broadcast"),
        SameOrganisation("messaging_message", "sender_id", "orgs_membership"),
        SameOrganisation("messaging_message", "sender_device_id", "keys_device"),
        SameOrganisation("messaging_notice", "device_id", "keys_device"),
        SameOrganisation("messaging_notice", "room_id", "messaging_room"),
        SameOrganisation("messaging_notice", "about_id", "keys_device"),
        SameOrganisation("messaging_skip", "device_id", "keys_device"),
        SameOrganisation("messaging_skip", "sender_device_id", "keys_device"),
        SameOrganisation("messaging_pushtoken", "device_id", "keys_device"),
        SameOrganisation("messaging_screenshotreport", "room_id", "messaging_room"),
        SameOrganisation("messaging_screenshotreport", "membership_id", "orgs_membership"),
        SameOrganisation("messaging_screenshotreport", "device_id", "keys_device"),
    ]
