"""How a device behaves: it keeps its keys stocked and fresh, and agrees on secrets with others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID, uuid4

from semafore.local.client.agreement import InitialHeader
from semafore.local.client.api import ApiProblem, DeviceClient, Trace
from semafore.local.client.keyfile import KeyFile
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.log import Log
from semafore.local.client.onboarding import Ask, OnboardingClient
from semafore.local.client.wire import JsonObject, encode
from semafore.local.client.words import moment

# What the device tops its stock up to, and the API's limit for one upload.
STOCK: Final = 50
BATCH_MAX: Final = 100

# The server warns a day ahead (product.md section 2).
_ROTATED_BEFORE: Final = timedelta(hours=24)
_REFUSED: Final = range(400, 500)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A secret shared with a claimed device, and what to send so that it can derive it too."""

    bundle: JsonObject
    proven: bool
    """The log proves that this identity key was approved; else the approval isn't in it yet."""
    secret: bytes
    header: InitialHeader


class Device:
    """One enrolled device: its state file and its API. Calls block; in async code use threads.

    Every key is on disk before its public half leaves, so no crash leaves the server with keys
    that nobody can answer for.
    """

    def __init__(self, file: KeyFile, api: DeviceClient) -> None:
        """The file holds the keys of the device that `api` speaks as."""
        self.file = file
        self.api = api
        self.log = Log(api, file)

    @classmethod
    def open(
        cls,
        *,
        base_url: str,
        device_id: UUID,
        organisation_id: UUID,
        state_file: Path,
        trace: Trace | None = None,
    ) -> Self:
        """Return the device of a state file; raises KeyFileError when that can't be read."""
        file = KeyFile(state_file)
        api = DeviceClient(
            base_url=base_url,
            device_id=device_id,
            organisation_id=organisation_id,
            keys=file.load(),
            trace=trace,
        )
        return cls(file, api)

    @classmethod
    def enrol(
        cls,
        base_url: str,
        token: str,
        *,
        state_file: Path,
        name: str,
        ask: Ask,
        platform: str = "desktop",
        trace: Trace | None = None,
    ) -> Self:
        """Go the way from an invitation or link token until the device waits for approval.

        Raises ApiProblem.
        """
        keys, file = DeviceKeys.generate(), KeyFile(state_file)
        with OnboardingClient(base_url=base_url, trace=trace) as onboarding:
            onboarding.walk(token, ask)
            body = keys.enrolment_body(onboarding.id, name=name, platform=platform)
            file.save(keys)
            registered = onboarding.register(body)
        return cls.open(
            base_url=base_url,
            device_id=UUID(registered["device_id"]),
            organisation_id=onboarding.organisation_id,
            state_file=state_file,
            trace=trace,
        )

    def refill(self, count: int = STOCK) -> JsonObject:
        """Make and upload `count` OPKs, in batches; returns the bundle's status."""
        with self.file.locked() as keys:
            status = self.api.status()
            known = status["one_time_pre_keys"]["highest_key_id"] or 0
            for start in range(0, count, BATCH_MAX):
                size = min(BATCH_MAX, count - start)
                batch = keys.make_one_time_pre_keys(size, above=known)
                self.file.save(keys)
                status = self.api.publish(batch)
        return status

    def rotate(self) -> JsonObject:
        """Make a new SPK the current one; returns the bundle's status.

        A refusal (4xx) leaves the old one current; after a lost answer the new one may be.
        """
        with self.file.locked() as keys:
            held = self.api.status()["signed_pre_key"]
            made = keys.rotate_signed_pre_key(above=0 if held is None else held["key_id"])
            self.file.save(keys)
            try:
                return self.api.rotate(made.to_public_json())
            except ApiProblem as problem:
                if problem.status in _REFUSED:
                    keys.forget_signed_pre_key(made.key_id)
                    self.file.save(keys)
                raise

    def withdraw(self) -> JsonObject:
        """Withdraw the unclaimed OPKs; their private halves stay, for claims just before that."""
        return self.api.withdraw()

    def agree_with(self, device_id: UUID) -> Agreement:
        """Claim a device's bundle and agree on a secret.

        Raises AgreementError, also for an identity key that the log proves another; LogError,
        ApiProblem.
        """
        bundle = self.api.claim(device_id, idempotency_key=str(uuid4()))
        waiting = self.log.check_bundles({device_id: bundle})
        secret, header = self.file.load().initiate(bundle)
        return Agreement(bundle, device_id not in waiting, secret, header)

    def answer(self, header: InitialHeader) -> bytes:
        """Return the secret of an initial message; the OPK it used is gone from the file."""
        with self.file.locked() as keys:
            secret = keys.respond(header)
            self.file.save(keys)
            return secret

    def agrees(self, status: JsonObject) -> bool:
        """Tell whether the server's bundle, by its digest, is what this device published."""
        signed = status["signed_pre_key"]
        available = (
            key_id
            for first, last in status["one_time_pre_keys"]["available_ranges"]
            for key_id in range(first, last + 1)
        )
        try:
            digest = self.file.load().digest(
                None if signed is None else signed["key_id"], available
            )
        except KeyError:
            return False
        return bool(encode(digest) == status["digest"])

    def maintain(self, frame: Mapping[str, Any]) -> str | None:
        """Do what a frame of the socket asks for; returns what was done, in words, or None.

        A hint only says look: what the server holds now decides, so late hints do no harm. Raises
        LogError.
        """
        reactions: dict[str, Callable[[], str | None]] = {
            "key_bundle.replenishment_needed": self._replenish,
            "key_bundle.rotation_due": self._renew_signed_pre_key,
            "key_bundle.signed_pre_key_expired": self._renew_signed_pre_key,
            "log.checkpoint": lambda: self.log.hold(frame["checkpoint"]),
        }
        react = reactions.get(frame["type"])
        return None if react is None else react()

    def _replenish(self) -> str | None:
        available = self.api.status()["one_time_pre_keys"]["available"]
        if available >= STOCK:
            return None
        now = self.refill(STOCK - available)["one_time_pre_keys"]["available"]
        return f"uploaded {STOCK - available} one-time pre-keys, {now} are available now"

    def _renew_signed_pre_key(self) -> str | None:
        held = self.api.status()["signed_pre_key"]
        if held is not None and not held["expired"]:
            server_time = datetime.fromisoformat(self.api.config()["server_time"])
            if datetime.fromisoformat(held["expires_at"]) - server_time > _ROTATED_BEFORE:
                return None
        made = self.rotate()["signed_pre_key"]
        return (
            f"rotated to signed pre-key {made['key_id']}, good until {moment(made['expires_at'])}"
        )
