"""A sender to be killed: `python -m tests.audit.siem.mortal_sender ORGANISATION DESTINATION`."""

import sys

# Sets Django up, so it comes before everything else.
import semafore.wsgi  # noqa: F401

# isort: split
from ipaddress import ip_network
from uuid import UUID

from django.conf import settings

from audit.tasks import send_siem


def main() -> None:
    settings.SIEM_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
    send_siem(str(UUID(sys.argv[1])), str(UUID(sys.argv[2])))


if __name__ == "__main__":
    main()
