"""What REDIS_URL may be: one server, or those that Sentinels name."""

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured

from semafore import environment

SENTINEL = re.compile(
    r"sentinel://(?::(?P<password>[^@/]*)@)?(?P<hosts>[^/@]+)/(?P<service>[\w.-]+)"
    r"(?:/(?P<database>\d{1,3}))?"
)
PORT = 26379
REMEDY = "set REDIS_URL to redis://…, rediss://…, unix://… or sentinel://…; a cluster can't serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServers:
    """Where Redis is."""

    url: str
    """As Celery takes it; of Sentinels, each with its scheme."""
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""
    """The name by which Sentinels know the primary."""
    database: int = 0
    password: str | None = None
    """Of the servers behind the Sentinels; those themselves are asked without one."""


def read(name: str, default: str) -> RedisServers:
    """`redis://`, `rediss://`, `unix://`, or `sentinel://[:password@]host:port,…/service[/database]`.

    A Redis cluster is refused: Celery's broker can't use one, and a cluster sends each hint to all
    of its nodes. Raises ImproperlyConfigured.
    """
    value = os.environ.get(name, "").strip()
    if not value.startswith(("sentinel://", "cluster", "redis+cluster", "rediss+cluster")):
        return RedisServers(
            url=environment.url(name, default, schemes=("redis", "rediss", "unix", "sentinel"))
        )
    found = SENTINEL.fullmatch(value)
    if found is None:
        # It may hold a password: it is not printed.
        message = f"{name} is (hidden), which is not usable: neither one server nor "
        message += f"sentinel://[:password@]host:port,host:port/service. Remedy: {REMEDY}."
        raise ImproperlyConfigured(message)
    sentinels = tuple(_address(one) for one in found["hosts"].split(","))
    password = unquote(found["password"]) if found["password"] else None
    database = int(found["database"] or 0)
    credentials = f":{found['password']}@" if password else ""
    return RedisServers(
        url=";".join(
            f"sentinel://{credentials}{host}:{port}/{database}" for host, port in sentinels
        ),
        sentinels=sentinels,
        service=found["service"],
        database=database,
        password=password,
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port) if port.isdecimal() else PORT
