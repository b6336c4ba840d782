"""System checks that hold house rules which a linter can't see."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver

from semafore.kernel.permissions import Access, Permission


def walk_routes(
    resolver: URLResolver | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Every route of the project with its whole path."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk_routes(pattern, path)
        else:
            yield path, pattern


@register(Tags.security)
def views_declare_access(**_kwargs: Any) -> list[CheckMessage]:
    """Every view says which permission it needs, or that it is public."""
    found: list[CheckMessage] = []
    for path, pattern in walk_routes():
        view_class = getattr(pattern.callback, "view_class", None) or getattr(
            pattern.callback, "cls", None
        )
        # A view that was wrapped, as the operator's site does, says it itself.
        requires = getattr(pattern.callback, "requires", getattr(view_class, "requires", None))
        if not isinstance(requires, Permission | Access):
            found.append(
                Error(
                    f"/{path} declares no access.",
                    hint="Set `requires` on the view to a Permission or Access.PUBLIC.",
                    id="kernel.E001",
                )
            )
    return found


@register(Tags.security, deploy=True)
def production_is_safe(**_kwargs: Any) -> list[CheckMessage]:
    """Production refuses settings under which promises don't hold."""
    found: list[CheckMessage] = []
    if not settings.TLS_PROXY:
        found.append(
            Error(
                "TLS_PROXY is off: requests could arrive in clear.",
                hint="Put a TLS-terminating proxy in front and set TLS_PROXY=true.",
                id="kernel.E002",
            )
        )
    if settings.LOG_FORMAT != "json":
        found.append(
            Error(
                "LOG_FORMAT is line: what exceptions say, rows and addresses too, would be logged.",
                hint="Set LOG_FORMAT=json, or leave it out.",
                id="kernel.E005",
            )
        )
    if urlsplit(settings.BASE_URL).scheme != "https":
        found.append(
            Error(
                "BASE_URL is not https.",
                hint="Set BASE_URL to the https address that devices use.",
                id="kernel.E003",
            )
        )
    if not settings.FIELD_KEYS:
        found.append(
            Error(
                "FIELD_KEYS is not set: second factors would hang on SECRET_KEY.",
                hint="Set FIELD_KEYS to the output of cryptography's Fernet.generate_key().",
                id="kernel.E004",
            )
        )
    return found
