"""Signing in at the console: second factors, counted guesses, sessions, mailed links, resets."""

from uuid import uuid4

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import F, Q

from orgs.models.people import Account, Membership
from semafore.kernel import clock
from semafore.kernel.models import SealedField
from semafore.kernel.tenancy import TenantModel


class Factor(models.Model):
    """An account's authenticator: one TOTP key, sealed."""

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, related_name="factor"
    )
    sealed_key = SealedField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)
    """The newest time step whose code was accepted: each code is good once."""
    set_up_by_link = models.BooleanField(default=False)
    """After a reset the password alone doesn't set up the next one: a mailed link goes with it."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(sealed_key__isnull=True, confirmed_at__isnull=True)
                | Q(sealed_key__isnull=False, confirmed_at__isnull=False),
                name="factor_key_is_confirmed",
            ),
        )

    def __str__(self) -> str:
        return str(self.account_id)


class RecoveryCode(models.Model):
    """A code for the day that the authenticator is lost: good once, kept as a keyed hash."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="recovery_codes", db_index=False
    )
    code_hash = models.BinaryField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "code_hash"], name="recovery_code_once"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Attempts(models.Model):
    """Guesses at one email's password and codes since the last right one, known email or not."""

    subject = models.BinaryField(primary_key=True)
    """Keyed hash of the email: the table tells nobody whose it is."""
    passwords = models.PositiveSmallIntegerField(default=0)
    codes = models.PositiveSmallIntegerField(default=0)
    last_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = (models.Index(fields=["last_at"], name="attempts_by_time"),)

    def __str__(self) -> str:
        return f"{self.passwords} {self.codes}"


class Session(AbstractBaseSession):
    """A browser's session. Its key here is the SHA-256 of the cookie's: a copy opens nothing."""

    session_key = models.CharField(max_length=64, primary_key=True)
    id = models.UUIDField(default=uuid4, unique=True, editable=False)
    """How a page names it."""
    account = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, related_name="sessions"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_seen_at = models.DateTimeField(default=clock.now)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return str(self.id)


class LinkPurpose(models.TextChoices):
    """What a mailed link lets the person do."""

    PASSWORD = "password"  # noqa: S105 - a purpose
    FACTOR = "factor"


class MailedLink(models.Model):
    """A single-use link; its token is in the mail alone, here is a hash."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=8, choices=LinkPurpose)
    token_hash = models.BinaryField(unique=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)


class FactorResetStatus(models.TextChoices):
    """A pending one lapses at its `expires_at`, whatever its row says."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


class FactorReset(TenantModel):
    """A lost second factor, to be reset by two people: administrators, or operators."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    membership = models.ForeignKey(
        Membership, on_delete=models.DO_NOTHING, db_constraint=False, related_name="factor_resets"
    )
    status = models.CharField(
        max_length=8, choices=FactorResetStatus, default=FactorResetStatus.PENDING
    )
    reason = models.CharField(max_length=500)
    requested_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    requested_by_operator = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    decided_by_operator = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    denial_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="factor_reset_org_id"),
            models.UniqueConstraint(
                fields=["organisation", "membership"],
                condition=Q(status="pending"),
                name="factor_reset_one_pending",
            ),
            models.CheckConstraint(
                condition=~Q(requested_by=F("decided_by"))
                & ~Q(requested_by_operator=F("decided_by_operator"))
                | ~Q(status="approved"),
                name="factor_reset_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(requested_by__isnull=False, requested_by_operator__isnull=True)
                | Q(requested_by__isnull=True, requested_by_operator__isnull=False),
                name="factor_reset_has_requester",
            ),
        )
        indexes = (
            models.Index(
                fields=["organisation", "requested_at"],
                condition=~Q(reason="", denial_reason=""),
                name="factor_reset_reasoned",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
