"""The policy, each setting with its explanation."""

from typing import Any
from uuid import UUID

from django import forms

from orgs.models import DEVICES_PER_MEMBER, GUEST_STAY_DAYS, SecondDeviceApproval
from orgs.selectors.members import holders_of
from semafore.kernel.permissions import Permission


class PolicyForm(forms.Form):
    """Named as the fields of `PolicyChange`."""

    totp_required = forms.BooleanField(
        label="Members need a second factor",
        required=False,
        help_text="Whoever joins or links a device sets up an authenticator app first. "
        "The console asks for a second factor in any case.",
    )
    devices_per_member = forms.IntegerField(
        label="Devices per member",
        min_value=DEVICES_PER_MEMBER[0],
        max_value=DEVICES_PER_MEMBER[1],
        help_text="So many devices a person may have at the same time. Lowering it takes no device "
        "away; it keeps further ones out.",
    )
    second_device_approval = forms.ChoiceField(
        label="Who approves a further device",
        choices=(
            (SecondDeviceApproval.ADMINISTRATOR, "An administrator"),
            (SecondDeviceApproval.OWN_DEVICE, "The person, from a device that is approved"),
        ),
        widget=forms.RadioSelect,
        help_text="The first device is always approved by an administrator.",
    )
    guest_stay_days = forms.IntegerField(
        label="Longest stay of a guest, in days",
        min_value=GUEST_STAY_DAYS[0],
        max_value=GUEST_STAY_DAYS[1],
        help_text="No guest is invited, and no stay extended, for longer than this. "
        "Stays that were granted keep their end.",
    )
    external_room_approvers = forms.TypedChoiceField(
        label="Approvals of an external room",
        coerce=int,
        choices=((1, "One administrator"), (2, "Two administrators")),
        widget=forms.RadioSelect,
        help_text="Nobody approves a room that they asked for.",
    )
    emergency_rooms = forms.BooleanField(
        label="Emergency rooms",
        required=False,
        help_text="A duty approver alone may open an external room, for at most 12 hours, unless a "
        "second administrator confirms it.",
    )
    duty_approver = forms.TypedChoiceField(
        label="Duty approver",
        coerce=UUID,
        empty_value="",
        required=False,
        help_text="The owner or admin who may open emergency rooms. Without one nobody may.",
    )
    push_wake_ups = forms.BooleanField(
        label="Wake sleeping devices",
        required=False,
        help_text="Sends an empty notification through Apple or Google when a message waits. They "
        "learn that a device of theirs was woken, and nothing of who wrote or what.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managers = holders_of(Permission.ROOMS_MANAGE).values_list("id", "name")
        offered = {str(id_): name for id_, name in managers}
        self.fields["duty_approver"].choices = [  # type: ignore[attr-defined]
            ("", "Nobody"),
            *offered.items(),
        ]
        # Who lost the role since may open nothing, and so reads as nobody.
        chosen = str(self.initial.get("duty_approver"))
        self.initial["duty_approver"] = chosen if chosen in offered else ""
