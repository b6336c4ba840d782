"""One organisation a request: the scope, the base model and the locks that keep tenants apart.

Built on django-scopes, whose known holes are closed here: without a scope *every* use of a manager
raises (not only those that django-scopes lists), rows of another organisation can be neither
created nor saved, and joins can't leave the organisation because `SameOrganisation` puts composite
foreign keys into the database.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.migrations.operations import RunSQL
from django_scopes import ScopedManager, get_scope, scope
from django_scopes.exceptions import ScopeError
from django_scopes.manager import DisabledQuerySet

from semafore.kernel.database import prepared_cursor
from semafore.kernel.logs import entered_var

M = TypeVar("M", bound=models.Model)


class WrongOrganisationError(RuntimeError):
    """Code tried to write a row of an organisation other than the one in scope."""


@contextmanager
def organisation_scope(organisation_id: UUID) -> Iterator[None]:
    """Within the block, tenant models show this organisation's rows and no others."""
    # django-scopes reads None as no filter, and a list as any of them.
    if not isinstance(organisation_id, UUID):
        raise TypeError(f"an organisation's id is a UUID, not {type(organisation_id).__name__}")
    if (entered := entered_var.get()) is not None:
        entered.add(organisation_id)
    with scope(organisation=organisation_id):
        yield


def current_organisation_id() -> UUID:
    """The organisation in scope. Raises ScopeError when there is none."""
    organisation_id = get_scope().get("organisation")
    if not isinstance(organisation_id, UUID):
        message = "no organisation is in scope: enter kernel.tenancy.organisation_scope(…)"
        raise ScopeError(message)
    return organisation_id


def _refuse_foreign(rows: Iterable[models.Model]) -> None:
    organisation_id = current_organisation_id()
    for row in rows:
        if getattr(row, "organisation_id", None) != organisation_id:
            message = f"{type(row).__name__} of another organisation than the one in scope"
            raise WrongOrganisationError(message)


class TenantQuerySet(models.QuerySet[M]):
    """A queryset that writes only rows of the organisation in scope."""

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """Django's, after the check that every row belongs to the scope."""
        rows = list(objs)
        _refuse_foreign(rows)
        if kwargs.get("update_conflicts"):
            raise NotImplementedError("an upsert finds its row by key, whosever it is")
        return super().bulk_create(rows, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        """Django's, after the check that no row changes its organisation."""
        if kwargs.keys() & {"organisation", "organisation_id"}:
            raise WrongOrganisationError("a row stays in its organisation")
        return super().update(**kwargs)


_ScopedManager = type(
    ScopedManager(
        organisation="organisation", _manager_class=models.Manager.from_queryset(TenantQuerySet)
    )
)


class TenantManager(_ScopedManager):  # type: ignore[misc,valid-type]  # made at run time
    """Rows of the organisation in scope; raises ScopeError at any use without one."""

    def get_queryset(self) -> Any:
        """The scoped rows."""
        rows = super().get_queryset()
        if isinstance(rows, DisabledQuerySet):
            message = f"{self.model.__name__} was used without an organisation in scope"
            raise ScopeError(message)
        return rows

    def with_scope(self, **_scope: Any) -> NoReturn:
        """Refused: the way in is `organisation_scope`."""
        raise ScopeError("enter kernel.tenancy.organisation_scope(…)")

    def with_scopes_disabled(self) -> NoReturn:
        """Refused: the way round the scope is `locate`."""
        raise ScopeError("a tenant's rows are read in the tenant's scope")


class TenantModel(models.Model):
    """Base of every table whose rows belong to one organisation."""

    organisation = models.ForeignKey(
        "orgs.Organisation", on_delete=models.DO_NOTHING, related_name="+", db_index=False
    )

    objects: ClassVar[models.Manager[Self]] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Django's, after the check that the row belongs to the scope."""
        _refuse_foreign([self])
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Django's, after the check that the row belongs to the scope."""
        _refuse_foreign([self])
        return super().delete(*args, **kwargs)

    def _do_update(self, base_qs: models.QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Saved under another organisation's key, a row is inserted, and so refused."""
        own = base_qs.filter(organisation_id=self.organisation_id)
        return super()._do_update(own, *args, **kwargs)


def locate(model: type[M]) -> models.QuerySet[M]:
    """Rows of all organisations, only to find out which organisation a credential belongs to."""
    return model._base_manager.all()  # noqa: SLF001 - the one sanctioned way round the scope


def of_all(model: type[M]) -> models.QuerySet[M]:
    """Rows of all organisations, only to be counted: for figures that name nobody."""
    return model._base_manager.all()  # noqa: SLF001 - figures are the deployment's, not a tenant's


class SameOrganisation(RunSQL):
    """A foreign key (organisation, column) to (organisation, id): no row points across tenants.

    Stands in for Django's own constraint, so the field is declared with `db_constraint=False`.
    """

    def __init__(self, table: str, column: str, references: str, key: str = "id") -> None:
        name = f"{table}_{column}_same_organisation"
        super().__init__(
            sql=f"ALTER TABLE {table} ADD CONSTRAINT {name}"
            f" FOREIGN KEY (organisation_id, {column})"
            f" REFERENCES {references} (organisation_id, {key}) DEFERRABLE INITIALLY IMMEDIATE",
            reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        )


LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"


def lock_organisation(*, shared: bool = False) -> None:
    """Hold the current organisation's advisory lock until the transaction ends.

    Changes to devices, memberships and rooms take it exclusive; senders take it shared before they
    read the device set (row locks starve revocation; product.md, section 5).
    """
    with prepared_cursor() as cursor:
        cursor.execute(LOCK_SHARED if shared else LOCK, [f"org:{current_organisation_id()}"])
