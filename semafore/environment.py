"""Typed readers of the environment: a bad value stops start-up and says what to do."""

import base64
import ipaddress
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
KEY_LENGTH = 32


def _read(name: str, default: T, parse: Callable[[str], T], remedy: str, *, secret: bool) -> T:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        return parse(value)
    except ValueError as error:
        shown = "(hidden)" if secret else repr(value)
        message = f"{name} is {shown}, which is not usable: {error}. Remedy: {remedy}."
        raise ImproperlyConfigured(message) from error


def text(name: str, default: str = "") -> str:
    """The variable as it stands, without surrounding white space."""
    return os.environ.get(name, "").strip() or default


def required(name: str, remedy: str) -> str:
    """The variable, which must be set."""
    value = text(name)
    if not value:
        message = f"{name} is not set. Remedy: {remedy}."
        raise ImproperlyConfigured(message)
    return value


def boolean(name: str, *, default: bool = False) -> bool:
    """True or false; anything else is an error."""

    def parse(value: str) -> bool:
        if value.lower() in TRUE:
            return True
        if value.lower() in FALSE:
            return False
        message = "neither true nor false"
        raise ValueError(message)

    return _read(name, default, parse, f"set {name} to true or false", secret=False)


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number between `least` and `most`, both allowed."""

    def parse(value: str) -> int:
        number = int(value)
        if not least <= number <= most:
            message = f"outside {least} to {most}"
            raise ValueError(message)
        return number

    remedy = f"set {name} to a whole number from {least} to {most}, or leave it out for {default}"
    return _read(name, default, parse, remedy, secret=False)


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """A comma-separated list of networks, as `10.1.0.0/16`; none where there are none."""

    def parse(value: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return [ipaddress.ip_network(one.strip()) for one in value.split(",")]

    remedy = f"set {name} to networks such as 10.1.0.0/16,fd12:3456::/48, or leave it out"
    return _read(name, [], parse, remedy, secret=False)


@dataclass(frozen=True, slots=True)
class FileStorage:
    """Where files are kept: a directory, or a bucket of an S3-compatible service."""

    directory: str = ""
    bucket: str = ""
    prefix: str = ""
    """Before the name of each object."""


def storage(name: str, default: str) -> FileStorage:
    """The path of a directory, or `s3://bucket/prefix`."""

    def parse(value: str) -> FileStorage:
        scheme, separator, rest = value.partition("://")
        if not separator:
            if not Path(value).is_absolute():
                raise ValueError("a directory is named by its whole path")
            return FileStorage(directory=value)
        bucket, _, prefix = rest.partition("/")
        if scheme != "s3" or re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket) is None:
            raise ValueError("neither a directory nor s3://bucket/prefix")
        return FileStorage(bucket=bucket, prefix=prefix.strip("/"))

    remedy = f"set {name} to the path of a directory or to s3://bucket/prefix"
    return _read(name, parse(default), parse, remedy, secret=False)


def android_apps(name: str) -> list[tuple[str, str]]:
    """A comma-separated list of `package:fingerprint`, the SHA-256 of the signing certificate."""

    def parse(value: str) -> list[tuple[str, str]]:
        apps = []
        for word in value.split(","):
            package, _, fingerprint = word.strip().partition(":")
            if re.fullmatch(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}", fingerprint.upper()) is None:
                message = "a fingerprint has 32 pairs of hexadecimal digits with colons"
                raise ValueError(message)
            apps.append((package, fingerprint.upper()))
        return apps

    return _read(name, [], parse, f"set {name} to package:AA:BB:… or leave it out", secret=False)


def key(name: str) -> bytes | None:
    """32 random bytes in base64; None where there are none."""
    return _read(name, None, _seed, f"set {name} to 32 random bytes in base64", secret=True)


def keys(name: str) -> list[bytes]:
    """Several such keys, with commas between them; none where there are none."""

    def parse(value: str) -> list[bytes]:
        return [_seed(one.strip()) for one in value.split(",")]

    remedy = f"set {name} to 32 random bytes in base64, or to several with commas between them"
    return _read(name, None, parse, remedy, secret=True) or []


def _seed(value: str) -> bytes:
    seed = base64.b64decode(value, validate=True)
    if len(seed) != KEY_LENGTH:
        message = f"{len(seed)} bytes, not {KEY_LENGTH}"
        raise ValueError(message)
    return seed


def _text_or_file(value: str, begin: str) -> str:
    """What begins so as it stands; else what the file of this path holds. Raises ValueError."""
    if value.startswith(begin):
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"the file can't be read ({error.strerror})") from None


def _private_key(pem: str) -> object:
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ValueError("the key asks for a password") from None


def ec_key(name: str) -> str:
    """A P-256 private key in PEM, or the path of its file; empty without one."""

    def parse(value: str) -> str:
        # In one line, as many places that keep an environment want it.
        pem = _text_or_file(value, "-----BEGIN").replace("\\n", "\n")
        key = _private_key(pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError("not a P-256 private key")
        return pem

    remedy = f"set {name} to the .p8 file of Apple's developer account, or to what stands in it"
    return _read(name, "", parse, remedy, secret=True)


SERVICE_ACCOUNT = ("project_id", "client_email", "private_key_id", "private_key", "token_uri")


def service_account(name: str) -> dict[str, str]:
    """A Google service account's JSON, or the path of its file; empty without one."""

    def parse(value: str) -> dict[str, str]:
        account = json.loads(_text_or_file(value, "{"))
        found = account if isinstance(account, dict) else {}
        missing = [field for field in SERVICE_ACCOUNT if not isinstance(found.get(field), str)]
        if missing:
            raise ValueError(f"it has no {', '.join(missing)}")
        if not isinstance(_private_key(account["private_key"]), rsa.RSAPrivateKey):
            raise ValueError("its private_key is not an RSA key")  # noqa: TRY004 - a bad value
        return {field: account[field] for field in SERVICE_ACCOUNT}

    remedy = f"set {name} to the JSON file of the service account's key, or to what stands in it"
    return _read(name, {}, parse, remedy, secret=True)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    """One of the options."""

    def parse(value: str) -> str:
        if value not in options:
            message = "not one of the choices"
            raise ValueError(message)
        return value

    return _read(name, default, parse, f"set {name} to one of {', '.join(options)}", secret=False)


def version(name: str, default: str) -> str:
    """Three numbers with dots."""

    def parse(value: str) -> str:
        if re.fullmatch(r"\d{1,4}\.\d{1,4}\.\d{1,4}", value) is None:
            message = "not three numbers with dots"
            raise ValueError(message)
        return value

    return _read(name, default, parse, f"set {name} to a version such as 1.4.0", secret=False)


def url(name: str, default: str, *, schemes: tuple[str, ...]) -> str:
    """An address with one of the given schemes, without a slash at its end."""

    def parse(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            message = f"it must start with {' or '.join(f'{scheme}://' for scheme in schemes)}"
            raise ValueError(message)
        return value.rstrip("/")

    # Addresses of databases carry passwords: never print one back.
    remedy = f"set {name} to an address such as {schemes[0]}://host"
    return _read(name, default, parse, remedy, secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail goes: a server, or a folder of files for development."""

    backend: str
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    folder: str | None = None


def mail(name: str, default: str) -> MailServer:
    """`smtp://host`, `smtp://user:password@host:587`, `smtps://…` (TLS at once), `file:///folder`.

    With a password, `smtp` insists on STARTTLS: it is never sent in clear.
    """

    def parse(value: str) -> MailServer:
        parts = urlsplit(value)
        if parts.scheme == "file" and parts.path.strip("/"):
            backend = "django.core.mail.backends.filebased.EmailBackend"
            return MailServer(backend=backend, folder=parts.path)
        if parts.scheme in {"smtp", "smtps"} and parts.hostname:
            return _smtp(parts, parts.hostname)
        raise ValueError("neither smtp://host, smtps://host nor file:///folder")

    remedy = f"set {name} to an address such as smtp://user:password@host:587"
    return _read(name, parse(default), parse, remedy, secret=True)


def _smtp(parts: SplitResult, host: str) -> MailServer:
    at_once = parts.scheme == "smtps"
    if parts.username and parts.password is None:
        raise ValueError("a user and no password")
    return MailServer(
        backend="django.core.mail.backends.smtp.EmailBackend",
        host=host,
        port=parts.port or (465 if at_once else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=bool(parts.username) and not at_once,
        tls=at_once,
    )
