"""After a restore nothing that was issued before opens anything: it may have been taken back."""

from django.db import transaction
from django.db.models import F

from orgs.models import MailedLink, Policy, ServiceToken, Session
from orgs.services.service_tokens import revoke_service_token

VERSIONS_SKIPPED = 1000
"""More than an owner makes in what a restore may lose."""


@transaction.atomic
def void_sessions() -> int:
    """End the console sessions of everybody; how many."""
    return Session.objects.all().delete()[0]


@transaction.atomic
def void_mailed_links() -> int:
    """Delete the links for passwords and second factors that nobody has used; how many."""
    return MailedLink.objects.filter(used_at=None).delete()[0]


def skip_managed_app_versions() -> None:
    """Give no version again of the managed app's settings that a device may have had since."""
    Policy.objects.update(managed_app_version=F("managed_app_version") + VERSIONS_SKIPPED)


@transaction.atomic
def void_service_tokens(*, reason: str) -> int:
    """Revoke the organisation's service tokens; how many."""
    valid = ServiceToken.objects.filter(revoked_at=None).order_by("id")
    ids = list(valid.values_list("id", flat=True))
    for service_token_id in ids:
        revoke_service_token(service_token_id=service_token_id, reason=reason)
    return len(ids)
