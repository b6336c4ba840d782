"""The Celery application; beat's schedule stands here, beside nothing else."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semafore.settings")

application = Celery("semafore")
application.config_from_object("django.conf:settings", namespace="CELERY")
application.autodiscover_tasks()

EVERY_TEN_SECONDS = 10.0
EVERY_MINUTE = crontab()
EVERY_QUARTER_HOUR = crontab(minute="*/15")
EVERY_FIVE_MINUTES = crontab(minute="*/5")
HOURLY = crontab(minute=7)

application.conf.beat_schedule = {
    "audit.drop_orphaned_export_files": {
        "task": "audit.drop_orphaned_export_files",
        "schedule": HOURLY,
    },
    "audit.expire_exports": {"task": "audit.expire_exports", "schedule": EVERY_FIVE_MINUTES},
    "audit.sweep_retention": {"task": "audit.sweep_retention", "schedule": HOURLY},
    "audit.send_due_siem": {"task": "audit.send_due_siem", "schedule": EVERY_TEN_SECONDS},
    "audit.record_siem_canary": {
        "task": "audit.record_siem_canary",
        "schedule": EVERY_FIVE_MINUTES,
    },
    "audit.watch_siem": {"task": "audit.watch_siem", "schedule": EVERY_QUARTER_HOUR},
    "audit.settle_denials": {"task": "audit.settle_denials", "schedule": EVERY_MINUTE},
    "audit.settle_platform_denials": {
        "task": "audit.settle_platform_denials",
        "schedule": EVERY_MINUTE,
    },
    "audit.forget_quiet_looks": {"task": "audit.forget_quiet_looks", "schedule": HOURLY},
    "audit.write_exports": {
        "task": "audit.write_exports",
        "schedule": EVERY_MINUTE,
        # Behind an export of hours there is no need for a queue of sweeps.
        "options": {"expires": 60},
    },
    "invitations.expire": {"task": "invitations.expire", "schedule": EVERY_MINUTE},
    "invitations.requeue_overdue": {
        "task": "invitations.requeue_overdue",
        "schedule": EVERY_FIVE_MINUTES,
    },
    "orgs.end_lapsed_memberships": {
        "task": "orgs.end_lapsed_memberships",
        "schedule": EVERY_MINUTE,
    },
    "kernel.drop_idempotent_answers": {
        "task": "kernel.drop_idempotent_answers",
        "schedule": HOURLY,
    },
    "invitations.send_due_codes": {"task": "invitations.send_due_codes", "schedule": EVERY_MINUTE},
    "invitations.tell_approvers": {
        "task": "invitations.tell_approvers",
        "schedule": EVERY_QUARTER_HOUR,
    },
    "invitations.drop_phone_quotas": {
        "task": "invitations.drop_phone_quotas",
        "schedule": HOURLY,
    },
    "invitations.drop_link_tokens": {"task": "invitations.drop_link_tokens", "schedule": HOURLY},
    "keys.delete_lapsed_signed_pre_keys": {
        "task": "keys.delete_lapsed_signed_pre_keys",
        "schedule": EVERY_QUARTER_HOUR,
    },
    "keys.warn_of_due_rotations": {"task": "keys.warn_of_due_rotations", "schedule": HOURLY},
    "keys.drop_tombstones": {"task": "keys.drop_tombstones", "schedule": HOURLY},
    "keys.drop_claims": {"task": "keys.drop_claims", "schedule": HOURLY},
    "keys.drop_tokens": {"task": "keys.drop_tokens", "schedule": HOURLY},
    "keys.drop_spent_challenges": {"task": "keys.drop_spent_challenges", "schedule": HOURLY},
    "messaging.close_due_rooms": {"task": "messaging.close_due_rooms", "schedule": EVERY_MINUTE},
    "messaging.tell_of_ends": {"task": "messaging.tell_of_ends", "schedule": EVERY_QUARTER_HOUR},
    "messaging.expire_envelopes": {
        "task": "messaging.expire_envelopes",
        "schedule": EVERY_QUARTER_HOUR,
    },
    "messaging.drop_heard_notices": {
        "task": "messaging.drop_heard_notices",
        "schedule": EVERY_FIVE_MINUTES,
    },
    "messaging.wake_waiting": {"task": "messaging.wake_waiting", "schedule": EVERY_MINUTE},
    "orgs.carry_out_windows": {"task": "orgs.carry_out_windows", "schedule": EVERY_MINUTE},
    "orgs.count_seats": {"task": "orgs.count_seats", "schedule": HOURLY},
    "orgs.deliver_waiting_mail": {"task": "orgs.deliver_waiting_mail", "schedule": EVERY_MINUTE},
    "orgs.delete_expired_sessions": {"task": "orgs.delete_expired_sessions", "schedule": HOURLY},
    "orgs.drop_attempts": {"task": "orgs.drop_attempts", "schedule": HOURLY},
    "orgs.drop_links": {"task": "orgs.drop_links", "schedule": HOURLY},
    "orgs.drop_mail": {"task": "orgs.drop_mail", "schedule": HOURLY},
    "orgs.tell_of_maintenance": {"task": "orgs.tell_of_maintenance", "schedule": EVERY_MINUTE},
}
