"""Changes of what an organisation wants of the app."""

from dataclasses import asdict

from django.db import transaction

from audit.services.recording import Ref, record
from orgs.errors import PolicyInvalid
from orgs.events.people import PolicyChanged
from orgs.managed_app import LOCK_MINUTES, ManagedApp
from orgs.models import Policy
from semafore.kernel.app_version import TEXT
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def change_managed_app(*, settings: ManagedApp) -> None:
    """Want this from now on; nothing happens when nothing differs. Raises PolicyInvalid.

    Devices learn of it by their feed of changes.
    """
    least, most = LOCK_MINUTES
    if not least <= settings.lock_after_minutes <= most:
        raise PolicyInvalid(detail=f"lock_after_minutes must lie between {least} and {most}.")
    if settings.min_app_version and TEXT.fullmatch(settings.min_app_version) is None:
        raise PolicyInvalid(detail="min_app_version must be three numbers with dots, as 2.4.0.")
    # The feed's numbers are given under this lock (kernel/versions.py), and it comes before rows'.
    lock_organisation()
    policy = Policy.objects.select_for_update().get()
    before, after = asdict(ManagedApp(**policy.managed_app)), asdict(settings)
    changed = {name: value for name, value in after.items() if before[name] != value}
    if not changed:
        return
    policy.managed_app = after
    policy.managed_app_version += 1
    policy.save(update_fields=["managed_app", "managed_app_version"])
    record(
        PolicyChanged(
            before={"managed_app": {name: before[name] for name in changed}},
            after={"managed_app": changed},
        ),
        target=Ref(kind="organisation", id=policy.organisation_id),
    )
