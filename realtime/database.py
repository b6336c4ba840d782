"""The database from asynchronous code: a few threads, connections handed back after each call."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from uuid import UUID

from channels.db import database_sync_to_async

from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope

P = ParamSpec("P")
R = TypeVar("R")

# As many statements at a time as sockets need: each is short, and the pool serves others too.
THREADS = 4

_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="database")


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that uses the database in one of the threads."""
    run = database_sync_to_async(function, thread_sensitive=False, executor=_threads)
    result: R = await run(*args, **kwargs)
    return result


async def in_organisation(
    organisation_id: UUID, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """The same in an organisation's scope, as the system."""

    def scoped() -> R:
        with organisation_scope(organisation_id), acting_as(SYSTEM):
            return function(*args, **kwargs)

    return await in_database(scoped)
