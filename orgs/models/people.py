"""People, organisations, and which person is in which."""

import secrets
from typing import ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel
from semafore.kernel.versions import version_field, versioned


class AccountManager(BaseUserManager["Account"]):
    """Django's user manager, for sign-in by email."""

    def get_by_natural_key(self, username: str | None) -> "Account":
        """The account with this email, in any case of letters."""
        return self.get(email=(username or "").lower())


class Account(AbstractBaseUser):
    """One person. The only thing that spans organisations; no organisation learns of the others.

    Known by a verified phone number (E.164), or by email alone for console-only people; by neither
    while it waits for its first approval, or after its number went to somebody else. What an
    organisation knows of the person stands in its own Membership.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    phone = models.CharField(max_length=16, null=True, unique=True)
    email = models.EmailField(null=True, unique=True)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = AccountManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(email__isnull=True) | Q(email=Lower("email")),
                name="account_email_is_lower_case",
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=True) | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
                name="account_phone_is_e164",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


def new_log_id() -> str:
    """An opaque name for an organisation's log: it tells nothing of the organisation."""
    return secrets.token_hex(16)


RESERVED_SLUGS = ("account", "password", "sign-in", "sign-out", "step-up")
"""What stands in place of an organisation in addresses of the console (orgs/urls_account.py)."""


class Organisation(models.Model):
    """A tenant."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=50, unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sla_notice_hours = models.PositiveIntegerField(default=72)
    log_id = models.CharField(max_length=32, unique=True, default=new_log_id, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(slug__in=RESERVED_SLUGS),
                name="organisation_slug_is_no_page",
                violation_error_message="This name is an address of the console's own.",
            ),
        )

    def __str__(self) -> str:
        return self.name


class MembershipKind(models.TextChoices):
    """A member belongs to the organisation; a guest is admitted to rooms of it."""

    MEMBER = "member"
    GUEST = "guest"


class Role(models.TextChoices):
    """What a person is in an organisation; `orgs/roles.py` says what each may do."""

    OWNER = "owner"
    ADMIN = "admin"
    HELPDESK = "helpdesk"
    AUDITOR = "auditor"
    MEMBER = "member"


class MembershipStatus(models.TextChoices):
    """pending -> active <-> suspended -> ended; an ended period is never reopened."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class ExternalParty(TenantModel):
    """A company whose people are guests of the organisation."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="party_organisation_id"),
            models.UniqueConstraint("organisation", Lower("name"), name="party_name_once"),
        )

    def __str__(self) -> str:
        return self.name


def unlapsed(path: str = "") -> Q:
    """Memberships whose end has not come; `path` leads to them (`device__membership__`)."""
    return Q(**{f"{path}ends_at": None}) | Q(**{f"{path}ends_at__gt": clock.now()})


class Membership(TenantModel):
    """One period of one person in one organisation; coming back is a new row.

    `phone` and `email` are what this organisation knows: the account's own may change by what the
    person does elsewhere, and no organisation may see, guess or time that. An ended one loses them,
    and the name, by retention: an empty name is one that was forgotten.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="memberships", db_index=False
    )
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    kind = models.CharField(
        max_length=10, choices=MembershipKind, default=MembershipKind.MEMBER, editable=False
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    unit = models.CharField(max_length=100, blank=True)
    status = models.CharField(
        max_length=10, choices=MembershipStatus, default=MembershipStatus.PENDING
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ends_at = models.DateTimeField(null=True)
    sponsor = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    party = models.ForeignKey(
        ExternalParty,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="memberships",
    )
    version = version_field()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="membership_organisation_id"
            ),
            models.UniqueConstraint(
                fields=["account", "organisation"],
                condition=~Q(status="ended"),
                name="membership_one_open_period",
            ),
            models.CheckConstraint(
                condition=Q(kind="member") | Q(role="member"),
                name="membership_guest_has_no_role",
            ),
            models.CheckConstraint(
                condition=Q(kind="member") | Q(sponsor__isnull=False, ends_at__isnull=False),
                name="membership_guest_has_sponsor_and_end",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "status", "role"], name="membership_by_status"),
            models.Index(fields=["organisation", "name", "id"], name="membership_by_name"),
            models.Index(fields=["organisation", "phone"], name="membership_by_phone"),
            models.Index(
                fields=["organisation", "ends_at"],
                condition=Q(ends_at__isnull=False) & ~Q(status="ended"),
                name="membership_to_end",
            ),
            models.Index(fields=["organisation", "version"], name="membership_by_version"),
            models.Index(
                fields=["organisation"],
                condition=Q(status="ended") & ~Q(name=""),
                name="membership_to_forget",
            ),
            models.Index(
                fields=["account"],
                condition=~Q(status="ended", name=""),
                name="membership_known_by_account",
            ),
        )
        triggers = versioned("unit", "status", "ends_at", forgettable="name")

    def __str__(self) -> str:
        return str(self.id)

    @property
    def lapsed(self) -> bool:
        """The end that was set has come: the person is refused from then on, swept or not."""
        return self.ends_at is not None and self.ends_at <= clock.now()


class MembershipChange(TenantModel):
    """A change of a membership's status: when, by whom, why."""

    membership = models.ForeignKey(
        Membership,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="changes",
    )
    status = models.CharField(max_length=10, choices=MembershipStatus)
    at = models.DateTimeField()
    by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    event_id = models.UUIDField(null=True)
    """The event that records it; None for changes from before this column."""

    class Meta:
        indexes = (
            models.Index(
                fields=["organisation", "at"],
                condition=~Q(reason=""),
                name="membership_change_reasoned",
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership_id} {self.status}"
