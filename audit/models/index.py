"""The index of sequenced events, which the explorer and retention go by."""

from django.db import models
from django.db.models import Case, F, Q, When

from audit.models.log import only_added
from audit.models.spans import KEEPS_SPANS
from semafore.kernel.many_rows import OF_AN_ORGANISATION, ManyRows

SUCCESS = "success"
"""The outcome of nearly all."""

ONLY_RETENTION = """
    IF current_setting('semafore.retention', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF (NEW.organisation_id, NEW.seq, NEW.event_id, NEW.event_class, NEW.at, NEW.type, NEW.outcome)
        <> (OLD.organisation_id, OLD.seq, OLD.event_id, OLD.event_class, OLD.at, OLD.type,
            OLD.outcome)
        OR NEW.message_id IS DISTINCT FROM OLD.message_id
        OR NEW.who_kept OR NEW.what_kept <> OLD.what_kept
        OR (NEW.actor_kind, NEW.target_kind, NEW.address) <> ('', '', '')
        OR num_nonnulls(NEW.actor_id, NEW.actor_member, NEW.target_id, NEW.subject_id,
            NEW.room_id) > 0
    THEN
        RAISE EXCEPTION 'retention may forget the people in % and change nothing', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
"""


class IndexedEvent(ManyRows):
    """What the explorer filters an event by, and where retention finds it (audit-log.md).

    Written by the sequencer. What is of a part goes with the part; the row goes with the last one.
    """

    pk = models.CompositePrimaryKey("organisation_id", "seq")
    seq = models.PositiveBigIntegerField()
    event_id = models.UUIDField()
    event_class = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    type = models.CharField(max_length=100)
    outcome = models.CharField(max_length=20)
    actor_kind = models.CharField(max_length=20, blank=True)
    actor_id = models.UUIDField(null=True)
    actor_member = models.UUIDField(null=True)
    """The membership behind the actor."""
    target_kind = models.CharField(max_length=30, blank=True)
    target_id = models.UUIDField(null=True)
    subject_id = models.UUIDField(null=True)
    room_id = models.UUIDField(null=True)
    address = models.CharField(max_length=50, blank=True)
    message_id = models.UUIDField(null=True)
    """Of a message, the sender's own id: of the `what` part."""
    who_kept = models.BooleanField(default=True)
    what_kept = models.BooleanField(default=True)

    class Meta:
        db_table = "audit_event_index"
        triggers = (*only_added(ONLY_RETENTION), OF_AN_ORGANISATION, KEEPS_SPANS)
        # By type before place: what a reader may not see is of types that are left out, however
        # much of it there is (audit.selectors.pages).
        indexes = (
            models.Index(
                fields=["organisation", "event_class", "at", "seq"],
                condition=Q(who_kept=True),
                name="event_index_who_kept",
            ),
            models.Index(
                fields=["organisation", "event_class", "at", "seq"],
                condition=Q(who_kept=False),
                name="event_index_who_gone",
            ),
            models.Index(fields=["organisation", "type", "seq"], name="event_index_by_type"),
            models.Index(
                fields=["organisation", "actor_member", "type", "seq"],
                condition=Q(actor_member__isnull=False),
                name="event_index_by_member",
            ),
            # A member at the console is their own membership.
            models.Index(
                fields=["organisation", "actor_id", "type", "seq"],
                condition=Q(actor_id__isnull=False) & ~Q(actor_kind="member"),
                name="event_index_by_actor_id",
            ),
            models.Index(
                fields=["organisation", "target_id", "type", "seq"],
                condition=Q(target_id__isnull=False),
                name="event_index_by_target_id",
            ),
            models.Index(
                fields=["organisation", "subject_id", "type", "seq"],
                condition=Q(subject_id__isnull=False),
                name="event_index_by_subject_id",
            ),
            models.Index(
                fields=["organisation", "room_id", "type", "seq"],
                condition=Q(room_id__isnull=False),
                name="event_index_by_room_id",
            ),
            models.Index(
                fields=["organisation", "address", "type", "seq"],
                condition=~Q(address=""),
                name="event_index_by_address",
            ),
            models.Index(
                fields=["organisation", "outcome", "type", "seq"],
                condition=~Q(outcome=SUCCESS),
                name="event_index_by_outcome",
            ),
            models.Index(
                fields=["organisation", "message_id", "seq"],
                condition=Q(message_id__isnull=False),
                name="event_index_by_message",
            ),
            # Whose keys an event of class 3 is about: the device it names, else the one that acted.
            models.Index(
                F("organisation"),
                Case(When(target_kind="device", then=F("target_id")), default=F("actor_id")),
                condition=Q(event_class=3),
                name="event_index_by_key_holder",
            ),
        )

    def __str__(self) -> str:
        return str(self.seq)
