"""What `/metrics` says of organisations and of mail."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from orgs.models import Organisation
from orgs.selectors.mail import mail_health
from semafore.kernel.metrics import gauge


def figures() -> Iterator[Metric]:
    """In two statements."""
    yield gauge("semafore_organisations", "Organisations.", Organisation.objects.count())
    mail = mail_health()
    yield gauge("semafore_mail_waiting", "Mails that are to be sent.", mail.waiting)
    yield gauge(
        "semafore_mail_oldest_seconds",
        "Age of the oldest mail that is to be sent.",
        mail.oldest_age.total_seconds(),
    )
    yield gauge(
        "semafore_mail_given_up",
        "Mails of the last two days that no server took for a day.",
        mail.given_up,
    )
