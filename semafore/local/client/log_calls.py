"""The calls of the device API that are about the log (api.md, `log/` and proofs)."""

from typing import Protocol
from uuid import UUID

import httpx

from semafore.local.client.wire import JsonObject, decode


class LogCalls(Protocol):
    """A part of DeviceClient, which sends the requests."""

    def _answer(self, method: str, path: str, body: JsonObject | None = None) -> httpx.Response:
        """Send one request. Raises ApiProblem."""

    def log(self) -> JsonObject:
        """The organisation's log: newest `checkpoint` and the keys, `vkeys`, `receipt_vkeys`."""
        return _object(self._answer("GET", "log/checkpoint"))

    def log_consistency(self, old_size: int, size: int) -> list[bytes]:
        """The hashes that prove the log of one published size to go on at another."""
        path = httpx.URL("log/consistency", params={"from": old_size, "to": size})
        return [decode(one) for one in _object(self._answer("GET", str(path)))["hashes"]]

    def log_seen(self, checkpoint: str) -> JsonObject:
        """Show the server a checkpoint that this device was given: `consistent`, `lost`."""
        return _object(self._answer("POST", "log/seen", {"checkpoint": checkpoint}))

    def enrolment_proof(self, device_id: UUID) -> str | None:
        """The proof that a device's identity key was approved; None while there is none yet."""
        return self._answer("GET", f"devices/{device_id}/enrolment-proof").text or None

    def message(self, message_id: UUID) -> JsonObject:
        """A message of this person's: `accepted_at`, `receipt`, what became of each envelope."""
        return _object(self._answer("GET", f"messages/{message_id}"))

    def message_proof(
        self, message_id: UUID, *, ciphertext_sha256: bytes | None = None
    ) -> str | None:
        """The proof of a message of this person's, also of one of its ciphertexts; None as yet."""
        query = {"ciphertext_sha256": ciphertext_sha256.hex()} if ciphertext_sha256 else {}
        path = httpx.URL(f"messages/{message_id}/proof", params=query)
        return self._answer("GET", str(path)).text or None


def _object(response: httpx.Response) -> JsonObject:
    answer: JsonObject = response.json()
    return answer
