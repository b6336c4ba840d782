"""The files of `deploy/` hold together: with each other, with the settings, with the programs."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from semafore.kernel.problems import BodyTooLarge, Problem, Unavailable
from semafore.local.servers import ROOT

DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
NAMES = ("web", "realtime", "worker", "siem", "beat", "log")
UNITS = {
    "web": "semafore-web@8000.service",
    "realtime": "semafore-realtime@8001.service",
    **{name: f"semafore-{name}.service" for name in ("worker", "siem", "beat", "log")},
}
COMPOSE = (["docker", "compose"], ["docker-compose"])


def run(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, capture_output=True, text=True, **options)


def needed(program: str) -> str:
    """The path of a program that CI has; elsewhere its test is skipped."""
    found = shutil.which(program)
    if found is None:
        assert "CI" not in os.environ, f"CI has no {program}: .ci/run installs it"
        pytest.skip(f"there is no {program} here")
    return found


def values(text: str) -> dict[str, str]:
    """What an environment file sets."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}


# bin/serve


def test_nobody_starts_what_there_is_not() -> None:
    for name in ("", "migrate"):
        done = run(ROOT / "bin" / "serve", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert "web|realtime|worker|siem|beat|log" in done.stderr


# The environment


def filled(**more: str) -> dict[str, str]:
    """The example with the empty ones filled in, in an environment without anything else."""
    example = values((DEPLOY / "semafore.env.example").read_text(encoding="utf-8"))
    key = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    secrets = {
        "SECRET_KEY": "".join(chr(33 + (7 * n) % 90) for n in range(80)),
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "RECEIPT_KEY": base64.b64encode(b"r" * 32).decode(),
        "APNS_KEY": key.decode().replace("\n", "\\n"),
    }
    given = {
        name: value or secrets.get(name, "something-of-a-service")
        for name, value in example.items()
    }
    return {"PATH": os.environ["PATH"], **given, **more}


def test_the_example_filled_in_is_a_production_without_complaints() -> None:
    words = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    done = run(sys.executable, *words, env=filled(), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    without = run(sys.executable, *words, env=filled(TLS_PROXY="false"), cwd=ROOT)
    assert "kernel.E002" in without.stderr


def test_only_the_log_process_is_given_the_checkpoint_keys() -> None:
    shared = (DEPLOY / "semafore.env.example").read_text(encoding="utf-8")
    assert "CHECKPOINT_KEYS" not in shared
    assert set(values((DEPLOY / "log.env.example").read_text())) == {"CHECKPOINT_KEYS"}


# Containers


@pytest.fixture(params=COMPOSE, ids=" ".join)
def composed(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What Compose makes of the file, with the examples copied to where it wants them."""
    command: list[str] = request.param
    if shutil.which(command[0]) is None or run(*command, "version").returncode:
        needed("docker-compose")
        pytest.skip(f"there is no {' '.join(command)} here")
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    for example in (tmp_path / "deploy").glob("*.example"):
        shutil.copy(example, example.with_suffix(""))
    shutil.copy(tmp_path / "deploy" / ".env.example", tmp_path / "deploy" / ".env")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    passwords = {"POSTGRES_PASSWORD": "one", "VALKEY_PASSWORD": "two"}
    missing = run(*command, "config", cwd=tmp_path / "deploy", env=environment)
    assert missing.returncode != 0, "it starts without passwords"
    done = run(*command, "config", cwd=tmp_path / "deploy", env=environment | passwords)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = yaml.safe_load(done.stdout)
    return parsed


def test_every_process_is_a_service_and_contained(composed: dict[str, Any]) -> None:
    services = composed["services"]
    commands = [" ".join(service.get("command") or []) for service in services.values()]
    assert set(NAMES) <= set(commands)
    assert commands.count("web") == commands.count("realtime") == 2, "none answers meanwhile"
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert "healthcheck" in service or name == "manage", name
        assert ("ports" in service) == (name == "proxy"), name


def test_secrets_and_state_go_to_the_log_process_alone(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        mounted = str(service.get("volumes", []))
        assert ("log_state" in mounted) == (name == "log"), name
        assert ("CHECKPOINT_KEYS" in service.get("environment", {})) == (name == "log"), name
        assert ("/var/lib/postgresql" in mounted) == (name == "postgres"), name


def test_exports_are_put_together_on_a_disk(composed: dict[str, Any]) -> None:
    """Memory is no place for them, and /tmp is memory."""
    for name in ("worker", "web-a", "web-b"):
        service = composed["services"][name]
        folder = service["environment"]["TMPDIR"]
        assert folder in str(service["volumes"]), name
        assert "DATABASE_URL" in service["environment"]
        assert folder in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_the_servers_are_reached_from_inside_alone(composed: dict[str, Any]) -> None:
    inside = [name for name, network in composed["networks"].items() if network.get("internal")]
    assert set(inside) == {"front", "inside"}
    for name in ("postgres", "valkey", "beat", "log"):
        assert list(composed["services"][name]["networks"]) == ["inside"], name


def test_the_image_runs_as_nobody_special_and_holds_no_secret() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER 10001" in last
    assert 'ENTRYPOINT ["bin/serve"]' in last
    assert not [line for line in lines if line.startswith("ENV") and "KEY" in line]
    assert any("--require-hashes" in line for line in lines)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")} | {"semafore"}
    assert {f"!{app}" for app in apps} <= set(ignored)
    assert "semafore/local" in ignored


# Units


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root folder in which the units lie where they belong."""
    shutil.copytree(SYSTEMD, tmp_path / "etc" / "systemd" / "system")
    usual = tmp_path / "usr" / "lib" / "systemd" / "system"
    usual.mkdir(parents=True)
    for path in Path("/lib/systemd/system").iterdir():
        if path.suffix in {".target", ".slice", ".socket"} and path.is_file():
            shutil.copy(path, usual)
    (tmp_path / "opt" / "semafore" / "bin").mkdir(parents=True)
    for name in ("serve", "healthy"):
        shutil.copy(ROOT / "bin" / name, tmp_path / "opt" / "semafore" / "bin")
    return tmp_path


def verify(root: Path) -> str:
    """What systemd has to say about the units; nothing is fine."""
    words = ("verify", f"--root={root}", "--man=no", "semafore.target", *UNITS.values())
    done = run(needed("systemd-analyze"), *words)
    return done.stdout + done.stderr + (f"exit {done.returncode}" if done.returncode else "")


def test_systemd_takes_the_units(installed: Path) -> None:
    assert verify(installed) == ""
    shared = installed / "etc/systemd/system/semafore-.service.d/all.conf"
    shared.write_text(shared.read_text().replace("ProtectSystem=strict", "ProtectSytem=strict"))
    assert "ProtectSytem" in verify(installed)


@pytest.mark.parametrize("unit", UNITS.values())
def test_a_unit_is_confined(installed: Path, unit: str) -> None:
    """systemd's own measure: 0 to 10, of which 9.6 is a service without any of it."""
    words = ("security", "--offline=true", f"--root={installed}", "--threshold=15", unit)
    done = run(needed("systemd-analyze"), "--no-pager", *words)
    assert done.returncode == 0, done.stdout


def test_units_start_what_bin_serve_knows() -> None:
    for name, unit in UNITS.items():
        text = (SYSTEMD / re.sub(r"@\d+", "@", unit)).read_text(encoding="utf-8")
        assert f"ExecStart=/opt/semafore/bin/serve {name}\n" in text
        assert unit in (SYSTEMD / "semafore.target").read_text(encoding="utf-8")
        assert ("/etc/semafore/log.env" in text) == (name == "log")
        assert ("User=semafore-log\n" in text) == (name == "log")


# nginx


@pytest.mark.parametrize(
    ("name", "problem"),
    [("unavailable", Unavailable(retry_after=10)), ("too-large", BodyTooLarge())],
)
def test_what_nginx_says_is_what_the_application_would(name: str, problem: Problem) -> None:
    said = json.loads((DEPLOY / "nginx" / "unavailable" / f"{name}.json").read_text())
    assert said | {"request_id": "-"} == problem.body("-")


def test_the_style_of_the_pages_is_the_one_that_is_allowed() -> None:
    (allowed,) = re.findall(
        r"style-src 'sha256-([^']+)'", (DEPLOY / "nginx" / "semafore.conf").read_text()
    )
    for page in (DEPLOY / "nginx" / "unavailable").glob("*.html"):
        (style,) = re.findall(r"<style>(.*?)</style>", page.read_text(), re.DOTALL)
        assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() == allowed


def test_nginx_and_the_application_agree_on_the_longest_body() -> None:
    (mebibytes,) = re.findall(
        r"client_max_body_size (\d+)m;", (DEPLOY / "nginx" / "semafore.conf").read_text()
    )
    assert int(mebibytes) * 1024 * 1024 == settings.DATA_UPLOAD_MAX_MEMORY_SIZE
