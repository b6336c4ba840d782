"""For development: says on the terminal that a push would have gone out."""

import sys

from messaging.push.outcomes import Target


def deliver(target: Target) -> None:
    """Write service and token to standard output."""
    sys.stdout.write(f"Push by {target.service} to {target.token}\n")
