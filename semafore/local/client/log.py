"""How a device watches its organisation's log: what it is shown must fit what it was shown before.

The first checkpoint's keys are believed; a later key only beside one that is known (rotation signs
with both). The checks themselves are those of `audit.verifier`, which knows nothing of a server.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx

from audit.verifier import (
    Checkpoint,
    Proved,
    VerificationError,
    open_checkpoint,
    open_note,
    parse_vkey,
    to_b64,
    verify_consistency,
    verify_proof,
)
from semafore.local.client.agreement import AgreementError
from semafore.local.client.api import ApiProblem
from semafore.local.client.keyfile import Memory
from semafore.local.client.log_calls import LogCalls
from semafore.local.client.receipts import Receipt, ReceiptError, read_receipt
from semafore.local.client.seen import SeenLog
from semafore.local.client.wire import encode

APPROVED = "device.approved"


class LogError(Exception):
    """The log is not the one that this device was shown before; the message says how."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The newest checkpoint, and the one that was the newest before (None: this is the first)."""

    newest: Checkpoint
    last: Checkpoint | None
    lost: bool
    """Of what was seen last some was lost in a restore, as the log itself declares."""
    proof: str | None
    """The verifier's consistency file of both; None for the first, and across a restore."""


class Log:
    """One device's view of its organisation's log. Raises ApiProblem, as the calls do."""

    def __init__(self, server: LogCalls, memory: Memory) -> None:
        """`memory` holds the newest checkpoint that was believed (`DeviceKeys.log`)."""
        self._server = server
        self._memory = memory

    def look(self) -> Looked | None:
        """Take the newest checkpoint, if it goes on from the last; None before the first.

        Raises LogError; the server was shown then what this device had seen, for the alarm.
        """
        last = self._seen()
        try:
            shown = self._server.log()
        except ApiProblem as problem:
            if problem.code == "no_checkpoint" and last is None:
                return None
            raise
        known = last.vkeys if last else tuple(shown["vkeys"])
        try:
            newest = open_checkpoint(shown["checkpoint"], [*known, *shown["vkeys"]])
            signed_by = open_note(shown["checkpoint"], [*known, *shown["vkeys"]]).signed_by
            before = open_checkpoint(last.checkpoint, last.vkeys) if last else None
        except VerificationError as error:
            raise LogError(f"The log's newest checkpoint can't be believed: {error}") from error
        if not _keys(signed_by) & _keys(known):
            raise LogError("The log's newest checkpoint is signed by unknown keys alone.")
        lost, proof = False, None
        if last is not None and before is not None:
            hashes = self._fits(before, newest, (last.checkpoint, shown["checkpoint"]))
            lost = hashes is None
            if hashes is not None and before.origin == newest.origin:
                proof = consistency_file(last.checkpoint, shown["checkpoint"], hashes)
        vkeys = tuple(dict.fromkeys([*(last.vkeys if last else ()), *signed_by]))
        against = last.against if last else ()
        self._keep(SeenLog(shown["checkpoint"], vkeys, tuple(shown["receipt_vkeys"]), against))
        return Looked(newest, before, lost, proof)

    def hold(self, note: str) -> None:
        """Hold a checkpoint that came some other way against the log. Raises LogError."""
        self._goes_on(note)

    def _goes_on(self, note: str) -> bool:
        """Whether the log goes on from a checkpoint; False where a restore lost it, declared.

        Raises LogError.
        """
        looked, seen = self.look(), self._seen()
        if looked is None or seen is None:
            raise LogError("There is a checkpoint, and the log says that it has none.")
        try:
            given = open_checkpoint(note, seen.vkeys)
        except VerificationError as error:
            raise LogError(f"A checkpoint can't be believed: {error}") from error
        return self._fits(given, looked.newest, (note, seen.checkpoint)) is not None

    def check_bundles(self, bundles: Mapping[UUID, Mapping[str, Any]]) -> Sequence[UUID]:
        """Hold claimed bundles against the approvals in the log.

        Returns the devices whose approval isn't under a checkpoint yet. Raises AgreementError for
        another identity key or place than the proven one, LogError.
        """
        return self.check_keys(
            {device_id: bundle["identity_key"] for device_id, bundle in bundles.items()},
            {device_id: bundle["log"] or {} for device_id, bundle in bundles.items()},
        )

    def check_keys(
        self,
        identity_keys: Mapping[UUID, str],
        places: Mapping[UUID, Mapping[str, Any]] | None = None,
    ) -> Sequence[UUID]:
        """The same of identity keys (base64) alone: of devices that spoke first."""
        waiting = []
        for device_id, identity_key in identity_keys.items():
            text = self._enrolment_proof(device_id)
            if text is None:
                waiting.append(device_id)
                continue
            try:
                proved = self._proved(text)
            except VerificationError as error:
                raise AgreementError(f"the log doesn't vouch for the key: {error}") from error
            _check_approval(device_id, identity_key, proved)
            if places is not None:
                _check_place(places[device_id], proved)
        return waiting

    def message(self, message_id: UUID) -> tuple[Proved, Receipt] | None:
        """A message of this person's, proved, and its receipt; None while not under a checkpoint.

        Raises LogError, ReceiptError.
        """
        text = self._server.message_proof(message_id)
        if text is None:
            return None
        try:
            proved = self._proved(text)
        except VerificationError as error:
            raise LogError(f"The message's proof is not good: {error}") from error
        if proved.what is None or proved.what["data"].get("message_id") != str(message_id):
            raise LogError("The proof is of something else than this message.")
        receipt = self.receipt(self._server.message(message_id)["receipt"])
        if receipt is None or receipt.leaf != proved.leaf:
            raise ReceiptError("the receipt is for another event than the one in the log")
        return proved, receipt

    def receipt(self, note: str) -> Receipt | None:
        """A receipt, checked; None while the log shows no key to check it by. Raises ReceiptError.

        Believes the receipt keys that the log shows: each is announced in it.
        """
        seen = self._seen()
        if seen is not None:
            try:
                return read_receipt(note, *seen.receipt_vkeys)
            except ReceiptError:
                # Perhaps by a key that is new since.
                pass
        if self.look() is None or (seen := self._seen()) is None:
            return None
        return read_receipt(note, *seen.receipt_vkeys)

    def _proved(self, text: str) -> Proved:
        """What a proof proves under a checkpoint that fits the log.

        Raises VerificationError, LogError.
        """
        if not self._goes_on(text.partition("\n\n")[2]):
            raise LogError("A proof leads to entries that were lost: it proves nothing now.")
        seen = self._seen()
        return verify_proof(text, seen.vkeys if seen else ())

    def _enrolment_proof(self, device_id: UUID) -> str | None:
        try:
            return self._server.enrolment_proof(device_id)
        except ApiProblem as problem:
            if problem.code != "not_found":
                raise
            raise AgreementError("the log has no approval of this device") from problem

    def _fits(
        self, older: Checkpoint, newer: Checkpoint, notes: tuple[str, str]
    ) -> Sequence[bytes] | None:
        """The hashes that lead from the older one; None where a restore lost it, declared.

        Raises LogError; both notes are kept then.
        """
        try:
            _check_origins(older.origin, newer.origin)
            hashes: Sequence[bytes] = []
            if older.size < newer.size:
                hashes = self._server.log_consistency(older.size, newer.size)
            verify_consistency(older.size, newer.size, hashes, older.root, newer.root)
        except (VerificationError, ApiProblem) as error:
            if isinstance(error, ApiProblem) and error.code != "invalid":
                raise
            # A loss ends an origin: otherwise the server's word is worth nothing, nor waited for.
            later = _is_later(older.origin, newer.origin)
            if later and self._server.log_seen(notes[0])["lost"]:
                return None
            self._keep_evidence(notes)
            told = later or self._report(notes[0])
            raise LogError(
                f"The log does not go on from the checkpoint of size {older.size} that this device"
                f" was given: {error} Both are kept in its state file."
                + (" The server was shown that checkpoint." if told else "")
            ) from error
        return hashes

    def _report(self, note: str) -> bool:
        """Show the server what was seen, for the alarm; whether it took it."""
        try:
            self._server.log_seen(note)
        except (ApiProblem, httpx.TransportError):
            return False
        return True

    def _keep_evidence(self, notes: tuple[str, str]) -> None:
        with self._memory.locked() as keys:
            if keys.log is not None and not keys.log.against:
                keys.log = replace(keys.log, against=notes)
                self._memory.save(keys)

    def _seen(self) -> SeenLog | None:
        with self._memory.locked() as keys:
            return keys.log

    def _keep(self, seen: SeenLog) -> None:
        with self._memory.locked() as keys:
            if keys.log != seen:
                keys.log = seen
                self._memory.save(keys)


def consistency_file(old: str, new: str, hashes: Sequence[bytes]) -> str:
    """Two checkpoints and what connects them, for `verifier.py` (docs/evidence.md)."""
    fields = {"new": new, "old": old, "proof": [to_b64(one) for one in hashes]}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _check_approval(device_id: UUID, identity_key: str, proved: Proved) -> None:
    """Raises AgreementError."""
    what = proved.what or {"type": None, "data": {}}
    data = what["data"]
    if what["type"] != APPROVED or data.get("device_id") != str(device_id):
        raise AgreementError("the proof is of something else than this device's approval")
    if data["identity_key"] != identity_key:
        raise AgreementError("the device's identity key is not the one that was approved")


def _check_place(place: Mapping[str, Any], proved: Proved) -> None:
    """Raises AgreementError."""
    if place.get("leaf") != encode(proved.leaf) or place.get("index") not in (None, proved.index):
        raise AgreementError("the bundle names another place in the log than the approval's")


def _keys(vkeys: Sequence[str]) -> set[bytes]:
    """The public keys themselves: after a restore a log has the same ones under a new name."""
    return {parse_vkey(vkey).public for vkey in vkeys}


def _numbered(origin: str) -> tuple[str, int]:
    """The log, and which of its origins it is, from 1."""
    match = re.fullmatch("(.+)/([0-9]{1,9})", origin)
    return (match[1], int(match[2])) if match else (origin, 1)


def _is_later(older: str, newer: str) -> bool:
    """Whether the newer one is a later origin of the same log."""
    (log, number), (other, later) = _numbered(older), _numbered(newer)
    return log == other and number < later


def _check_origins(older: str, newer: str) -> None:
    """The same log, perhaps with a later number. Raises VerificationError."""
    if _numbered(older)[0] != _numbered(newer)[0]:
        raise VerificationError("the log", f"was {older} and is {newer}")
