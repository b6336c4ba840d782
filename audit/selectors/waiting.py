"""Which logs have work for the log process; found by rows that exist, whoever wrote them."""

from collections.abc import Sequence

from django.apps import apps
from django.db import connection

from audit.logs import PLATFORM_LOG, PLATFORM_LOG_ID, Log

# One step of an index for each organisation that has work, however many rows wait.
WAITING = """
WITH RECURSIVE found AS (
    (SELECT organisation_id FROM audit_pending ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT organisation_id FROM audit_pending
        WHERE organisation_id > found.organisation_id ORDER BY organisation_id LIMIT 1
    )
    FROM found WHERE organisation_id IS NOT NULL
)
SELECT organisation_id FROM found WHERE organisation_id IS NOT NULL
"""

PLATFORM_WAITS = "SELECT EXISTS (SELECT FROM audit_platformpending)"

UNSIGNED = """
SELECT organisation_id FROM audit_head AS head
WHERE size > 0 AND NOT EXISTS (
    SELECT FROM audit_checkpoint AS signed
    WHERE signed.organisation_id = head.organisation_id AND signed.size = head.size
)
"""

PLATFORM_UNSIGNED = """
SELECT EXISTS (
    SELECT FROM audit_platformhead AS head
    WHERE size > 0
      AND NOT EXISTS (SELECT FROM audit_platformcheckpoint AS signed WHERE signed.size = head.size)
)
"""


def logs_that_wait() -> list[Log]:
    """Every log that has events without a place."""
    return _logs(WAITING, PLATFORM_WAITS)


def logs_unsigned() -> list[Log]:
    """Every log whose head stands under no published checkpoint."""
    return _logs(UNSIGNED, PLATFORM_UNSIGNED)


def begun_logs() -> list[Log]:
    """Every log that has a head."""
    return _logs(
        "SELECT organisation_id FROM audit_head", "SELECT EXISTS (SELECT FROM audit_platformhead)"
    )


def logs_called(log_ids: Sequence[str]) -> list[Log]:
    """Those of these ids that exist."""
    organisations = apps.get_model("orgs", "Organisation").objects
    named = organisations.filter(log_id__in=log_ids).values_list("id", "log_id")
    platform = [PLATFORM_LOG] if PLATFORM_LOG_ID in log_ids else []
    return [Log(id_, log_id) for id_, log_id in named] + platform


def _logs(organisations_sql: str, platform_sql: str) -> list[Log]:
    with connection.cursor() as cursor:
        cursor.execute(organisations_sql)
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(platform_sql)
        platform = cursor.fetchone()[0]
    organisations = apps.get_model("orgs", "Organisation").objects
    named = organisations.filter(id__in=ids).values_list("id", "log_id")
    return [Log(id_, log_id) for id_, log_id in named] + ([PLATFORM_LOG] if platform else [])
