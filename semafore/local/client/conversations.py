"""How a device talks: a text becomes an envelope for each device of the room, and back."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, ParamSpec, Protocol, TypeVar
from uuid import UUID, uuid4

import httpx

from semafore.local.client import sessions
from semafore.local.client.agreement import SUITE, AgreementError
from semafore.local.client.api import ApiProblem
from semafore.local.client.content import Content, ContentError, Entry
from semafore.local.client.keyfile import Memory
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.log import Log
from semafore.local.client.ratchet import DuplicateError, UndecryptableError
from semafore.local.client.receipts import Receipt, ReceiptError, read_receipt
from semafore.local.client.wire import JsonObject, decode, encode

HISTORY: Final = 500
"""So many texts a device keeps; by them it knows what comes again."""
REPAIRS: Final = 5
TRIES: Final = 5
CLAIMED_AT_ONCE: Final = 100
_FIRST_WAIT_SECONDS: Final = 0.2
_SERVER_ERROR: Final = 500

P = ParamSpec("P")
T = TypeVar("T")


class Relay(Protocol):
    """What a conversation needs of the server; DeviceClient is one."""

    device_id: UUID

    def room(self, room_id: UUID) -> JsonObject:
        """The room with its people and their devices."""

    def claim_many(
        self, device_ids: Sequence[UUID], *, idempotency_key: str | None = None
    ) -> list[JsonObject]:
        """A bundle or an error for each."""

    def send_message(self, room_id: UUID, message: JsonObject) -> JsonObject:
        """Hand a message's envelopes in."""

    def send_part(self, broadcast_id: UUID, message: JsonObject) -> JsonObject:
        """Hand those of a broadcast in."""

    def mailbox(self, *, limit: int = 64) -> JsonObject:
        """What waits."""

    def acknowledge(self, envelope_ids: Sequence[str]) -> JsonObject:
        """These are safe here."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a text: when it was accepted, the server's receipt, who was left out."""

    message_id: UUID
    accepted_at: str
    receipt: str
    skipped: Sequence[UUID]


class Messenger:
    """One device's conversations. Calls block; one thread may send while another receives.

    What changes a session is on disk before anything leaves or is acknowledged, so that no key of a
    message is ever used twice and nothing acknowledged is lost.
    """

    def __init__(
        self,
        relay: Relay,
        memory: Memory,
        *,
        receipt_key: str | None = None,
        log: Log | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`receipt_key`: the vkey that the organisation's log announced; receipts are checked.

        `log`: new peers' identity keys and receipts are held against what the log proves.
        """
        self._relay = relay
        self._memory = memory
        self._receipt_key = receipt_key
        self._log = log
        self._pause = pause
        self._rooms: dict[UUID, set[UUID]] = {}
        self._left_out: set[UUID] = set()

    def send(self, room_id: UUID, text: str, *, message_id: UUID | None = None) -> Sent:
        """Send a text to all other devices of a room; the same id again is the same message.

        Tries again while no server answers, and repairs what the server says about the devices.
        Raises ApiProblem, `httpx.TransportError` after five tries, AgreementError, ReceiptError,
        LogError.
        """
        content = Content.of(room_id, text, message_id)
        if room_id not in self._rooms:
            self._rooms[room_id] = self._devices_of(room_id)
        repairs = 0
        while True:
            message = self._message(content, self._rooms[room_id])
            try:
                answer = self._patiently(self._relay.send_message, room_id, message)
            except ApiProblem as problem:
                repairs += 1
                if problem.code != "device_set_mismatch" or repairs > REPAIRS:
                    raise
                self._repair(self._rooms[room_id], problem.body)
            else:
                return self._accepted(content, answer)

    def broadcast(self, broadcast_id: UUID, device_ids: Collection[UUID], text: str) -> Sent:
        """Send a text to these devices, as a part of a broadcast.

        Those without a session whose signed pre-keys have expired are left out. Raises as `send`.
        """
        content = Content.of(None, text)
        message = self._message(content, device_ids)
        answer = self._patiently(self._relay.send_part, broadcast_id, message)
        return self._accepted(content, answer)

    def receive(self, envelope: JsonObject) -> Entry | None:
        """Decrypt an envelope and store what was in it; None when that tells nothing new.

        On return it may be acknowledged. What can't be decrypted is stored without a text, and the
        next message to its sender begins a new session; a text that comes after all replaces it.
        """
        with self._memory.locked() as keys:
            before = [one for one in keys.history if one.message_id == envelope["message_id"]]
            if any(one.text is not None for one in before):
                return None
            sender = UUID(envelope["sender_device_id"])
            try:
                text = self._open(keys, sender, envelope)
            except DuplicateError:
                return None
            except (UndecryptableError, AgreementError, ContentError):
                if before:
                    return None
                text = None
                if sender in keys.peers:
                    keys.peers[sender].renew = True
            entry = Entry(
                message_id=envelope["message_id"],
                room_id=envelope["room_id"],
                sender_device_id=envelope["sender_device_id"],
                accepted_at=envelope["accepted_at"],
                text=text,
            )
            others = [one for one in keys.history if one not in before]
            keys.history = [*others, entry][-HISTORY:]
            self._memory.save(keys)
        return entry

    def collect(self) -> list[Entry]:
        """Empty the mailbox by REST: what waits is stored, then acknowledged. Raises ApiProblem."""
        collected = []
        while True:
            waiting = self._relay.mailbox()
            envelopes = waiting["envelopes"]
            collected += [self.receive(envelope) for envelope in envelopes]
            if envelopes:
                self._relay.acknowledge([envelope["envelope_id"] for envelope in envelopes])
            if not envelopes or not waiting["more"]:
                return [entry for entry in collected if entry is not None]

    def _open(self, keys: DeviceKeys, sender: UUID, envelope: JsonObject) -> str:
        try:
            ciphertext = decode(envelope["ciphertext"])
        except ValueError as error:
            raise UndecryptableError("not base64") from error
        padded = sessions.decrypt(keys, sender, envelope["envelope_type"], ciphertext)
        return Content.from_bytes(padded, envelope).text

    def _devices_of(self, room_id: UUID) -> set[UUID]:
        """The room's devices, this one not among them."""
        room = self._patiently(self._relay.room, room_id)
        devices = {UUID(device["id"]) for member in room["members"] for device in member["devices"]}
        return devices - {self._relay.device_id}

    def _message(self, content: Content, devices: Collection[UUID]) -> JsonObject:
        """The body to send: an envelope for each device that can be reached."""
        to = sorted(one for one in devices if one not in self._left_out)
        with self._memory.locked() as keys:
            new = [device_id for device_id in to if sessions.wants_bundle(keys, device_id)]
        bundles = self._claim(new)
        proven = self._proven(bundles, [one for one in to if one not in bundles])
        text = content.to_bytes()
        envelopes = []
        with self._memory.locked() as keys:
            for device_id in to:
                if device_id in bundles:
                    kind, ciphertext = sessions.begin(keys, device_id, bundles[device_id], text)
                elif sessions.established(keys, device_id):
                    kind, ciphertext = sessions.encrypt(keys, device_id, text)
                else:
                    continue
                keys.peers[device_id].proven |= device_id in proven
                envelopes.append(
                    {
                        "device_id": str(device_id),
                        "registration_id": keys.peers[device_id].registration_id,
                        "suite": SUITE,
                        "type": kind,
                        "ciphertext": encode(ciphertext),
                    }
                )
            self._memory.save(keys)
        return {
            "message_id": str(content.message_id),
            "envelopes": envelopes,
            "commitment": encode(content.commitment),
        }

    def _claim(self, device_ids: Sequence[UUID]) -> dict[UUID, JsonObject]:
        """Bundles of the devices that have one to give; those whose SPK has expired are left out.

        Of others that were refused the server says with the message whether they are needed.
        """
        bundles = {}
        for start in range(0, len(device_ids), CLAIMED_AT_ONCE):
            some = device_ids[start : start + CLAIMED_AT_ONCE]
            claim = partial(self._relay.claim_many, some, idempotency_key=str(uuid4()))
            for result in self._patiently(claim):
                device_id = UUID(result["device_id"])
                if "bundle" in result:
                    bundles[device_id] = result["bundle"]
                elif result["error"]["code"] == "spk_expired":
                    self._left_out.add(device_id)
        return bundles

    def _proven(self, bundles: Mapping[UUID, JsonObject], others: Sequence[UUID]) -> set[UUID]:
        """Those that the log proves now: of the claimed ones, and of others with a session.

        Whoever spoke first was never claimed. Raises AgreementError, LogError.
        """
        if self._log is None:
            return set()
        with self._memory.locked() as keys:
            known = {one: peer for one in others if (peer := keys.peers.get(one))}
            heard = {
                one: encode(peer.identity_key)
                for one, peer in known.items()
                if peer.sessions and not peer.proven
            }
        waiting = {*self._log.check_bundles(bundles), *self._log.check_keys(heard)}
        return {*bundles, *heard} - waiting

    def _repair(self, devices: set[UUID], mismatch: Mapping[str, Any]) -> None:
        """Take the server's word for who is there; a stale device gets a new session."""
        missing = {UUID(one) for one in mismatch["missing"]}
        devices |= missing
        devices -= {UUID(one) for one in mismatch["extra"]}
        self._left_out -= missing
        with self._memory.locked() as keys:
            for one in mismatch["stale"]:
                keys.peers[UUID(one)].renew = True
            self._memory.save(keys)

    def _accepted(self, content: Content, answer: JsonObject) -> Sent:
        receipt = self._receipt(answer["receipt"])
        if receipt is not None and receipt.accepted_at != answer["accepted_at"]:
            raise ReceiptError("the receipt is of another time than the answer")
        return Sent(
            message_id=content.message_id,
            accepted_at=answer["accepted_at"],
            receipt=answer["receipt"],
            skipped=[UUID(one) for one in answer["skipped"]],
        )

    def _receipt(self, note: str) -> Receipt | None:
        """A receipt that was checked; None where there is no key to check it by."""
        if self._receipt_key is not None:
            return read_receipt(note, self._receipt_key)
        return self._log.receipt(note) if self._log is not None else None

    def _patiently(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what may be done again, until the server answers; raises what the last try did."""
        for attempt in range(TRIES - 1):
            try:
                return act(*args, **kwargs)
            except httpx.TransportError:
                self._pause(_FIRST_WAIT_SECONDS * 2**attempt)
            except ApiProblem as problem:
                if problem.status < _SERVER_ERROR:
                    raise
                self._pause(_FIRST_WAIT_SECONDS * 2**attempt)
        return act(*args, **kwargs)
