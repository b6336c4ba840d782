"""Nothing leaves its organisation: not through a manager, not through SQL (architecture.md)."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models.manager import BaseManager
from django_scopes.exceptions import ScopeError

from audit.models import Event, Pending
from keys.models import (
    Device,
    KeyBundle,
    OneTimePreKey,
)
from orgs.models import Account, Membership, MembershipChange, Organisation
from semafore.kernel import clock
from semafore.kernel.tenancy import (
    TenantManager,
    TenantModel,
    WrongOrganisationError,
    current_organisation_id,
    locate,
    lock_organisation,
    organisation_scope,
)
from tests.cast import Phone

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]

any_tenant_model = pytest.mark.parametrize(
    "model", TENANT_MODELS, ids=[model._meta.label for model in TENANT_MODELS]
)

USES: dict[str, Callable[[Any], Any]] = {
    "all": lambda rows: list(rows.all()),
    "all, not yet read": lambda rows: rows.all(),
    "filter": lambda rows: rows.filter(name="Bob"),
    "exclude": lambda rows: rows.exclude(name="Bob"),
    "get": lambda rows: rows.get(name="Bob"),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "contains": lambda rows: rows.contains(Membership(id=uuid4())),
    "first": lambda rows: rows.first(),
    "last": lambda rows: rows.last(),
    "latest": lambda rows: rows.latest("created_at"),
    "earliest": lambda rows: rows.earliest("created_at"),
    "in_bulk": lambda rows: rows.in_bulk(),
    "in_bulk of ids": lambda rows: rows.in_bulk([uuid4()]),
    "create": lambda rows: rows.create(name="Dan", organisation_id=uuid4()),
    "bulk_create": lambda rows: rows.bulk_create([Membership(name="Dan")]),
    "bulk_create of nothing": lambda rows: rows.bulk_create([]),
    "bulk_update": lambda rows: rows.bulk_update([Membership(id=uuid4())], ["name"]),
    "get_or_create": lambda rows: rows.get_or_create(name="Dan"),
    "update_or_create": lambda rows: rows.update_or_create(name="Dan"),
    "update": lambda rows: rows.update(name="Dan"),
    "aggregate": lambda rows: rows.aggregate(models.Count("id")),
    "annotate": lambda rows: rows.annotate(n=models.Count("id")),
    "iterator": lambda rows: list(rows.iterator()),
    "values": lambda rows: rows.values("id"),
    "values_list": lambda rows: rows.values_list("id"),
    "dates": lambda rows: rows.dates("created_at", "day"),
    "datetimes": lambda rows: rows.datetimes("created_at", "day"),
    "order_by": lambda rows: rows.order_by("id"),
    "distinct": lambda rows: rows.distinct(),
    "select_related": lambda rows: rows.select_related("account"),
    "prefetch_related": lambda rows: rows.prefetch_related("changes"),
    "select_for_update": lambda rows: rows.select_for_update(),
    "union": lambda rows: rows.union(Account.objects.all()),
    "defer": lambda rows: rows.defer("name"),
    "only": lambda rows: rows.only("name"),
    "using": lambda rows: rows.using("default"),
    "none": lambda rows: rows.none(),
    "raw": lambda rows: rows.raw("SELECT * FROM orgs_membership"),
    "explain": lambda rows: rows.explain(),
    "another database's manager": lambda rows: rows.db_manager("default").count(),
    "scopes switched off": lambda rows: rows.with_scopes_disabled().count(),
    "a scope by the back door": lambda rows: rows.with_scope(organisation=uuid4()).count(),
    "acreate": lambda rows: rows.acreate(name="Dan"),
    "abulk_create": lambda rows: rows.abulk_create([Membership(name="Dan")]),
    "aget": lambda rows: rows.aget(name="Bob"),
    "aget_or_create": lambda rows: rows.aget_or_create(name="Dan"),
    "aupdate_or_create": lambda rows: rows.aupdate_or_create(name="Dan"),
    "aupdate": lambda rows: rows.aupdate(name="Dan"),
    "aexists": lambda rows: rows.aexists(),
    "acount": lambda rows: rows.acount(),
    "afirst": lambda rows: rows.afirst(),
    "ain_bulk": lambda rows: rows.ain_bulk(),
    "aaggregate": lambda rows: rows.aaggregate(models.Count("id")),
}


def finish(result: Any) -> None:
    if inspect.iscoroutine(result):
        asyncio.run(result)


# Without a scope


@pytest.mark.parametrize("use", USES)
def test_no_use_of_a_manager_works_without_a_scope(bob: Membership, use: str) -> None:
    with pytest.raises(ScopeError):
        finish(USES[use](Membership.objects))


@any_tenant_model
def test_no_manager_of_any_model_works_without_a_scope(db: None, model: type[TenantModel]) -> None:
    for manager in model._meta.managers:
        assert isinstance(manager, TenantManager)
        for use in (manager.all, manager.exists, manager.in_bulk, manager.iterator):
            with pytest.raises(ScopeError):
                use()


@any_tenant_model
def test_every_method_that_a_queryset_lends_its_manager_asks_for_the_scope(
    db: None, model: type[TenantModel]
) -> None:
    """Whatever Django adds tomorrow: the manager gets no queryset to call it on."""
    lent = list(BaseManager._get_queryset_methods(models.QuerySet))

    assert len(lent) > 40
    for name in lent:
        with pytest.raises(ScopeError):
            getattr(model._default_manager, name)()


def test_a_relation_works_as_little_without_a_scope(bob: Membership) -> None:
    with pytest.raises(ScopeError):
        bob.account.memberships.count()
    with pytest.raises(ScopeError):
        bob.changes.all()


def test_nothing_is_saved_without_a_scope(bob: Membership) -> None:
    row: Any = bob
    for act in (row.save, lambda: finish(row.asave())):
        with pytest.raises(ScopeError):
            act()


def test_what_a_scope_let_through_does_not_outlive_it(acme: Organisation, bob: Membership) -> None:
    with organisation_scope(acme.id):
        rows = Membership.objects.all()
    assert [row.name for row in rows] == ["Bob"]
    with pytest.raises(ScopeError):
        Membership.objects.all()


def test_outside_a_scope_there_is_no_current_organisation(db: None) -> None:
    with pytest.raises(ScopeError):
        current_organisation_id()
    with pytest.raises(ScopeError):
        lock_organisation()


def test_a_scope_of_nothing_is_refused(bob: Membership, charlie: Membership) -> None:
    """django-scopes reads None as "no filter": a credential without organisation would see all."""
    nothing: Any = None
    with pytest.raises((ScopeError, TypeError)), organisation_scope(nothing):
        list(Membership.objects.all())


def test_a_scope_of_two_organisations_is_refused(bob: Membership, charlie: Membership) -> None:
    both: Any = [bob.organisation_id, charlie.organisation_id]
    with pytest.raises((ScopeError, TypeError)), organisation_scope(both):
        list(Membership.objects.all())


def test_scopes_do_not_leak_into_other_threads_of_work(acme: Organisation, bob: Membership) -> None:
    async def elsewhere() -> bool:
        try:
            current_organisation_id()
        except ScopeError:
            return False
        return True

    async def both() -> tuple[bool, bool]:
        outside = asyncio.create_task(elsewhere())
        with organisation_scope(acme.id):
            inside = asyncio.create_task(elsewhere())
            return await outside, await inside

    assert asyncio.run(both()) == (False, True)


# With a scope, the others don't exist


@pytest.fixture
def in_acme(acme: Organisation) -> Iterator[Organisation]:
    with organisation_scope(acme.id):
        yield acme


def test_another_organisations_rows_cannot_be_seen(
    alice: Membership, charlie: Membership, in_acme: Organisation
) -> None:
    rows = Membership.objects

    assert [row.id for row in rows.all()] == [alice.id]
    assert not rows.filter(id=charlie.id).exists()
    assert rows.filter(name="Charlie").first() is None
    assert rows.in_bulk([alice.id, charlie.id]).keys() == {alice.id}
    assert rows.count() == rows.aggregate(n=models.Count("id"))["n"] == 1
    assert not rows.contains(charlie)
    assert not rows.select_for_update().filter(id=charlie.id)
    assert list(rows.filter(organisation_id=charlie.organisation_id)) == []
    assert rows.filter(id=charlie.id).update(name="Mallory") == 0
    assert rows.filter(id=charlie.id).delete()[0] == 0
    with pytest.raises(Membership.DoesNotExist):
        rows.get(id=charlie.id)
    assert list(charlie.account.memberships.all()) == []
    assert list(charlie.changes.all()) == []
    assert Membership._base_manager.get(id=charlie.id).name == "Charlie"


@any_tenant_model
def test_no_model_shows_another_organisations_rows(
    model: type[TenantModel],
    alice_phone: Phone,
    charlie_phone: Phone,
    in_acme: Organisation,
) -> None:
    seen = set(model._default_manager.values_list("organisation_id", flat=True))

    assert seen <= {in_acme.id}


def test_the_demo_of_that_is_not_empty(alice_phone: Phone, charlie_phone: Phone) -> None:
    for model in (Membership, MembershipChange, Device, KeyBundle, OneTimePreKey, Event, Pending):
        both = set(locate(model).values_list("organisation_id", flat=True))
        assert len(both) == 2, model


def dan(organisation_id: UUID, account: Account) -> dict[str, Any]:
    return {"organisation_id": organisation_id, "account": account, "name": "Dan"}


CREATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "create": lambda row: Membership.objects.create(**row),
    "bulk_create": lambda row: Membership.objects.bulk_create([Membership(**row)]),
    "bulk_create from a generator": lambda row: Membership.objects.bulk_create(
        Membership(**row) for _ in range(1)
    ),
    "get_or_create": lambda row: Membership.objects.get_or_create(name="Dan", defaults=row),
    "update_or_create": lambda row: Membership.objects.update_or_create(name="Dan", defaults=row),
    "save": lambda row: Membership(**row).save(),
    "save as an insert": lambda row: Membership(**row).save(force_insert=True),
    "through a relation": lambda row: row.pop("account").memberships.create(**row),
    "acreate": lambda row: Membership.objects.acreate(**row),
    "abulk_create": lambda row: Membership.objects.abulk_create([Membership(**row)]),
    "asave": lambda row: Membership(**row).asave(),
}


@pytest.mark.parametrize("way", CREATIONS)
def test_no_row_of_another_organisation_can_be_made(
    alice: Membership, globex: Organisation, in_acme: Organisation, way: str
) -> None:
    with pytest.raises(WrongOrganisationError):
        finish(CREATIONS[way](dan(globex.id, alice.account)))
    with organisation_scope(globex.id):
        assert not Membership.objects.exists()


def test_one_foreign_row_among_many_stops_them_all(
    alice: Membership, charlie: Membership, globex: Organisation, in_acme: Organisation
) -> None:
    rows = [
        Membership(**dan(in_acme.id, charlie.account)),
        Membership(**dan(globex.id, alice.account)),
    ]
    with pytest.raises(WrongOrganisationError):
        Membership.objects.bulk_create(rows)
    assert Membership.objects.count() == 1


def test_a_row_without_an_organisation_cannot_be_made(
    alice: Membership, in_acme: Organisation
) -> None:
    with pytest.raises(WrongOrganisationError):
        Membership.objects.create(account=alice.account, name="Dan")


def test_another_organisations_row_cannot_be_saved(
    charlie: Membership, in_acme: Organisation
) -> None:
    charlie.name = "Mallory"
    with pytest.raises(WrongOrganisationError):
        charlie.save()
    with pytest.raises(WrongOrganisationError):
        charlie.save(update_fields=["name"])
    assert Membership._base_manager.get(id=charlie.id).name == "Charlie"


def test_another_organisations_row_cannot_be_deleted(
    charlie: Membership, in_acme: Organisation
) -> None:
    change = MembershipChange._base_manager.get(membership_id=charlie.id)
    with pytest.raises(WrongOrganisationError):
        change.delete()
    assert MembershipChange._base_manager.filter(id=change.id).exists()


def test_another_organisations_row_cannot_be_taken_over_by_its_key(
    alice: Membership, charlie: Membership, in_acme: Organisation
) -> None:
    """Saved under a key that exists, Django updates the row with that key, whosever it is."""
    theirs = MembershipChange._base_manager.get(membership_id=charlie.id)
    ours = MembershipChange(
        id=theirs.id,
        organisation_id=in_acme.id,
        membership=alice,
        status="ended",
        at=clock.now(),
    )
    with pytest.raises((WrongOrganisationError, IntegrityError)), transaction.atomic():
        ours.save()
    theirs.refresh_from_db()
    assert theirs.organisation_id == charlie.organisation_id


def test_an_upsert_cannot_take_another_organisations_row(
    alice: Membership, charlie: Membership, in_acme: Organisation
) -> None:
    theirs = MembershipChange._base_manager.get(membership_id=charlie.id)
    ours = MembershipChange(
        id=theirs.id, organisation_id=in_acme.id, membership=alice, status="ended", at=clock.now()
    )
    with pytest.raises((WrongOrganisationError, IntegrityError, NotImplementedError)):
        MembershipChange.objects.bulk_create(
            [ours],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["organisation", "membership", "status"],
        )


def test_a_row_cannot_be_sent_to_another_organisation(
    alice: Membership, globex: Organisation, in_acme: Organisation
) -> None:
    change = MembershipChange.objects.get()
    change.organisation_id = globex.id
    for act in (
        change.save,
        lambda: MembershipChange.objects.update(organisation_id=globex.id),
        lambda: MembershipChange.objects.update(organisation=globex),
        lambda: MembershipChange.objects.bulk_update([change], ["organisation"]),
    ):
        with pytest.raises((WrongOrganisationError, IntegrityError)), transaction.atomic():
            act()
    assert MembershipChange.objects.get().organisation_id == in_acme.id
