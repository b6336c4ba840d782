"""Exports in S3-compatible storage: a real server of its API, over HTTP."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import uuid4

import boto3  # type: ignore[import-untyped]  # it ships none
import pytest
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from audit.selectors.exports import parts_of
from audit.services.exports import files, storage
from orgs.models import Membership, Organisation
from semafore import environment
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests.audit.exports.acts import CSV, again, asked, content, work
from tests.audit.published import grow
from tests.cast import signed_in

KEYS = {"access_key": "test", "secret_key": "test", "region_name": "eu-west-1"}


@pytest.fixture
def bucket(settings: Settings) -> Iterator[Any]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    place = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="eu-west-1",
    ).Bucket(f"exports-{uuid4()}")
    place.create(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    options = {
        "bucket_name": place.name,
        "location": "acme/audit",
        "endpoint_url": endpoint,
        "signature_version": "s3v4",
        "max_memory_size": 1024,
        **KEYS,
    }
    exports = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "exports": exports}
    yield place
    server.stop()


def test_an_export_lies_in_a_bucket_and_goes(
    bucket: Any, acme: Organisation, erin: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.services.exports.work.PART_BYTES", 10_000)
    monkeypatch.setattr("audit.services.exports.work.SLICE", 10)
    grow(acme, 60)
    made = asked(erin, CSV)
    work(acme)
    found = again(made)
    assert (found.status, found.failure) == ("done", "")
    assert sha256(content(made)).hexdigest() == found.digest
    assert len(list(bucket.objects.all())) >= 2
    assert all(one.key.startswith("acme/audit/") for one in bucket.objects.all())
    with organisation_scope(acme.id):
        end = parts_of(found)[0].bytes
    answer: Any = signed_in(erin).get(
        f"/console/{acme.slug}/exports/{made.id}/file",
        headers={"Range": f"bytes={end - 10}-{end + 10}"},
    )
    assert b"".join(answer.streaming_content) == content(made)[end - 10 : end + 11]

    storage.store(storage.new_name(), b"nobody's")
    objects = len(list(bucket.objects.all()))
    with acting_as(SYSTEM):
        assert files.drop_orphaned_files() == 1
    assert len(list(bucket.objects.all())) == objects - 1
    with acting_as(SYSTEM), organisation_scope(acme.id):
        type(found).objects.filter(id=found.id).update(status="expired")
        files.remove_files()
    assert list(bucket.objects.all()) == []


def test_a_bucket_that_is_gone_is_said(bucket: Any, acme: Organisation, erin: Membership) -> None:
    grow(acme, 5)
    made = asked(erin, CSV)
    bucket.delete()
    work(acme)

    assert again(made).status == "running"
    assert again(made).failure == "The storage of exports could not be used (NoSuchBucket)."


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("/var/lib/exports", environment.FileStorage(directory="/var/lib/exports")),
        ("s3://exports", environment.FileStorage(bucket="exports")),
        ("s3://exports/a/b/", environment.FileStorage(bucket="exports", prefix="a/b")),
    ],
)
def test_the_setting(
    monkeypatch: pytest.MonkeyPatch, value: str, parsed: environment.FileStorage
) -> None:
    monkeypatch.setenv("EXPORT_STORAGE", value)

    assert environment.storage("EXPORT_STORAGE", "/tmp") == parsed  # noqa: S108 - not used


@pytest.mark.parametrize("value", ["exports", "ftp://exports", "s3://", "s3://Ex ports/a"])
def test_the_setting_refuses(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EXPORT_STORAGE", value)

    with pytest.raises(Exception, match="EXPORT_STORAGE is"):
        environment.storage("EXPORT_STORAGE", "/tmp")  # noqa: S108 - not used
