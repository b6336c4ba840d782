"""Where a manager is gone round, the database itself keeps organisations apart."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps

from audit.models import Denial, Event
from keys.models import Claim, Device, DeviceToken, SignedPreKey
from orgs.models import Membership, Organisation, Policy
from semafore.kernel import clock
from semafore.kernel.ids import uuid7
from semafore.kernel.tenancy import TenantModel, lock_organisation, organisation_scope
from tests.cast import Phone

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]


def tenant_foreign_keys(found: Iterable[type[models.Model]]) -> Iterator[tuple[str, str, str]]:
    """Table, column and referenced table of every foreign key from tenant rows to tenant rows."""
    for model in found:
        for field in model._meta.concrete_fields:
            target = field.related_model
            if isinstance(target, type) and issubclass(target, TenantModel):
                yield model._meta.db_table, field.column, target._meta.db_table


COMPOSITE = """
SELECT conrelid::regclass::text, confrelid::regclass::text, convalidated,
    (SELECT array_agg(attname::text ORDER BY place)
     FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
     JOIN pg_attribute ON attrelid = conrelid AND attnum = number),
    (SELECT array_agg(attname::text ORDER BY place)
     FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
     JOIN pg_attribute ON attrelid = confrelid AND attnum = number)
FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) = 2
"""


PER_STATEMENT = {
    ("keys_onetimeprekey", "device_id", "keys_device"),
    ("messaging_envelope", "device_id", "keys_device"),
    ("messaging_envelope", "message_id", "messaging_message"),
    ("messaging_delivery", "device_id", "keys_device"),
    ("messaging_delivery", "message_id", "messaging_message"),
    ("audit_content", "event_id", "audit_event"),
}
"""Checked by a trigger, once a statement: too many rows for a key each."""

ORGANISATION_PER_STATEMENT = {"audit_entry", "audit_event_index"}
"""The same, of the organisation."""


def without_composite_key(found: Iterable[type[models.Model]]) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger"
            " WHERE tgname LIKE 'pgtrigger_same_organisation%' AND tgenabled = 'O'"
        )
        watched = {table for (table,) in cursor.fetchall()}
        cursor.execute(COMPOSITE)
        held = {
            (table, columns[1], references)
            for table, references, valid, columns, keys in cursor.fetchall()
            if valid and columns[0] == keys[0] == "organisation_id" and len(keys) == 2
        }
    held |= {key for key in PER_STATEMENT if key[0] in watched}
    return [key[:2] for key in tenant_foreign_keys(found) if key not in held]


def test_every_foreign_key_between_tenants_rows_holds_the_organisation_too(db: None) -> None:
    assert len(list(tenant_foreign_keys(TENANT_MODELS))) >= 12
    assert without_composite_key(TENANT_MODELS) == []


@isolate_apps("semafore.local")
def test_a_new_model_without_it_is_found(db: None) -> None:
    class Locker(TenantModel):
        owner = models.ForeignKey(
            Membership, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
        )

        class Meta:
            app_label = "local"

    assert without_composite_key([*TENANT_MODELS, Locker]) == [("local_locker", "owner_id")]


def test_every_model_with_an_organisation_is_a_tenant_model() -> None:
    holders = {
        model
        for model in apps.get_models()
        if any(field.related_model is Organisation for field in model._meta.concrete_fields)
    }

    assert holders == set(TENANT_MODELS)
    assert holders >= {Policy, Membership, Device, DeviceToken, Claim, Denial, Event, SignedPreKey}


def test_the_organisation_of_every_tenant_row_must_exist(db: None) -> None:
    for model in TENANT_MODELS:
        column = model._meta.get_field("organisation").column
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
        per_statement = {table for table, _, _ in PER_STATEMENT} | ORGANISATION_PER_STATEMENT
        if model._meta.db_table in per_statement:
            continue
        held = [one["foreign_key"] for one in constraints.values() if one["columns"] == [column]]
        assert ("orgs_organisation", "id") in held, model


def insert(table: str, **values: Any) -> None:
    columns = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(values.values()))


def test_a_raw_insert_across_organisations_is_refused(
    acme: Organisation, alice_phone: Phone, charlie_phone: Phone, charlie: Membership
) -> None:
    now = clock.now()
    theirs = charlie_phone.id
    with organisation_scope(charlie.organisation_id):
        their_event = Event.objects.values_list("id", flat=True)[0]
    attempts: list[tuple[str, dict[str, Any]]] = [
        (
            "orgs_membershipchange",
            {"membership_id": charlie.id, "status": "ended", "at": now, "reason": ""},
        ),
        (
            "orgs_membershipchange",
            {
                "membership_id": alice_phone.device.membership_id,
                "status": "ended",
                "at": now,
                "reason": "",
                "by_id": charlie.id,
            },
        ),
        (
            "keys_devicetoken",
            {"token_hash": b"x" * 32, "device_id": theirs, "issued_at": now, "expires_at": now},
        ),
        ("keys_onetimeprekey", {"device_id": theirs, "key_id": 999, "public_key": b"x" * 32}),
        ("audit_content", {"event_id": their_event, "sha256": b"x" * 32}),
        (
            "keys_signedprekey",
            {
                "device_id": theirs,
                "key_id": 999,
                "public_key": b"x" * 32,
                "signature": b"x" * 64,
                "key_hash": b"x" * 32,
                "uploaded_at": now,
                "superseded_at": now,
            },
        ),
        (
            "keys_claim",
            {
                "id": uuid7(),
                "claimant_account_id": uuid4(),
                "claimant_device_id": alice_phone.id,
                "target_id": theirs,
                "at": now,
            },
        ),
        (
            "keys_claim",
            {
                "id": uuid7(),
                "claimant_account_id": uuid4(),
                "claimant_device_id": theirs,
                "target_id": alice_phone.id,
                "at": now,
            },
        ),
    ]
    for table, values in attempts:
        with pytest.raises(IntegrityError, match="same_organisation"):
            insert(table, organisation_id=acme.id, **values)


def test_a_raw_update_across_organisations_is_refused(
    acme: Organisation, alice_phone: Phone, charlie_phone: Phone
) -> None:
    for sql in (
        "UPDATE keys_device SET organisation_id = %(acme)s WHERE id = %(theirs)s",
        "UPDATE keys_keybundle SET organisation_id = %(acme)s WHERE device_id = %(theirs)s",
        "UPDATE keys_onetimeprekey SET organisation_id = %(acme)s WHERE device_id = %(theirs)s",
        "UPDATE orgs_membership SET organisation_id = %(acme)s WHERE id = %(person)s",
        "UPDATE keys_device SET membership_id = %(person)s WHERE id = %(ours)s",
    ):
        with (
            pytest.raises(IntegrityError, match="same_organisation"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                sql,
                {
                    "acme": acme.id,
                    "ours": alice_phone.id,
                    "theirs": charlie_phone.id,
                    "person": charlie_phone.device.membership_id,
                },
            )


def test_two_organisations_locks_are_two(
    committed: None,
) -> None:
    acme, globex = uuid4(), uuid4()
    with transaction.atomic():
        with organisation_scope(acme):
            lock_organisation()
        with organisation_scope(globex):
            lock_organisation(shared=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT mode FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY mode"
            )
            modes = [mode for (mode,) in cursor.fetchall()]
    assert modes == ["ExclusiveLock", "ShareLock"]


@pytest.mark.parametrize("table", sorted(ORGANISATION_PER_STATEMENT))
def test_a_row_of_no_organisation_is_refused_without_a_key_too(db: None, table: str) -> None:
    values: dict[str, Any] = {"organisation_id": uuid4(), "seq": 0, "event_id": uuid4()}
    if table == "audit_entry":
        values |= {"entry": b"\x01" * 34, "leaf": b"\x01" * 32}
    else:
        texts = ("type", "outcome", "actor_kind", "target_kind", "address")
        values |= {"event_class": 1, "at": clock.now(), "who_kept": True, "what_kept": True}
        values |= dict.fromkeys(texts, "")

    with pytest.raises(IntegrityError, match="of no organisation"):
        insert(table, **values)
