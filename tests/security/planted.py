"""Where secrets could lie in a deployment: its database, Valkey, output, files; read whole."""

import re
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

from tests.deployment import Deployment
from tests.test_no_secrets import as_bytes

Place = tuple[str, bytes]

WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(rb"\\(x[0-9a-f]{2}|.)")
END = b"end of the block"
SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


def rows_of(deployment: Deployment) -> Iterator[Place]:
    """Every column of every row of every table, as bytes."""
    with psycopg.connect(deployment.postgres.url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            columns = [column.name for column in found.description or ()]
            for row in found:
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", as_bytes(value)


def everything_in(url: str) -> Iterator[Place]:
    """Every key of Valkey and what it holds, of whichever type."""
    with redis.Redis.from_url(url) as client:
        readers: dict[bytes, Any] = {
            b"string": client.get,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": lambda key: list(client.smembers(key)),
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"hash": lambda key: [one for pair in client.hgetall(key).items() for one in pair],
            b"stream": client.xrange,
            # A queue that was emptied, or a count that lapsed, since its key was listed.
            b"none": lambda _key: b"",
        }
        for key in client.scan_iter():
            yield "a key of Valkey", key
            value = readers[client.type(key)](key)
            yield f"Valkey: {key.decode(errors='replace')}", as_bytes(value or b"")


def unescaped(line: bytes) -> bytes:
    """A command as it was sent; Valkey's monitor quotes its words and escapes what is no letter."""

    def plain(escaped: re.Match[bytes]) -> bytes:
        one = escaped[1]
        return bytes.fromhex(one[1:].decode()) if len(one) > 1 else SHORT.get(one, one)

    return b" ".join(ESCAPED.sub(plain, word) for word in WORD.findall(line))


@contextmanager
def overheard(url: str) -> Iterator[list[bytes]]:
    """Every command that Valkey gets within the block: hints, and the messages of Celery.

    Read by ourselves: redis-py takes a word that ends in a backslash for an unfinished one.
    """
    heard: list[bytes] = []
    # However long nobody sends anything: redis-py's own patience ends after five seconds.
    client = redis.Redis.from_url(url, socket_timeout=None)
    with client.monitor() as monitor:  # type: ignore[no-untyped-call]

        def listen() -> None:
            while END not in (command := unescaped(monitor.connection.read_response())):
                heard.append(command)

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        yield heard
        client.echo(END)
        listening.join(timeout=60)
        assert not listening.is_alive()


def files_in(folder: Path) -> Iterator[Place]:
    """Every file below a folder, whole; but for one that is gone meanwhile, as SQLite's journal."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with suppress(FileNotFoundError):
                yield f"{folder.name}/{path.name}", path.read_bytes()


def lines_in(output: str) -> Iterator[Place]:
    """Each line that a process said."""
    for line in output.splitlines():
        yield f"output: {line[:80]}", line.encode()


def found(places: Iterable[Place], needles: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """Which needle lies where: all places in one piece, which each needle is looked for in once."""
    names, starts, pieces, size = [], [], [], 0
    for name, hay in places:
        names.append(name)
        starts.append(size)
        pieces.append(hay)
        size += len(hay) + 1
    whole = b"\0".join(pieces)
    lies = set()
    for needle_name, needle in needles:
        at = whole.find(needle)
        while at >= 0:
            lies.add((names[bisect_right(starts, at) - 1], needle_name))
            at = whole.find(needle, at + 1)
    return lies


def with_digits(code: str, places: Iterable[Place]) -> list[str]:
    """The places where six digits stand by themselves: not in a number, a moment or an id.

    Thousands of ids hold hundreds of such runs, and one of them may be a code by chance.
    """
    pattern = re.compile(rb"(?<![\w.])" + code.encode() + rb"(?!\w)")
    return [place for place, hay in places if pattern.search(hay)]
