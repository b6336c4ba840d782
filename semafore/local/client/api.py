"""The device API as one device uses it: a thin client over httpx (api.md, `/api/mobile/`)."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import httpx

from semafore.local.client.keys import DeviceKeys
from semafore.local.client.log_calls import LogCalls
from semafore.local.client.tracing import as_curl
from semafore.local.client.wire import JsonObject, decode, encode

USER_AGENT: Final = "SemaFore/1.0.0 (device client)"

TIMEOUT_SECONDS: Final = 15.0
KEPT: Final = httpx.Limits(keepalive_expiry=2)
"""An idle connection is given up before any server would: at the same moment a request is lost.
Uvicorn's five seconds are httpx's too.
"""
# A token is renewed this long before its end, so that it can't lapse on the way.
_RENEWED_BEFORE_SECONDS: Final = 30
_UNAUTHORISED: Final = 401
Trace = Callable[[str], None]


class ApiProblem(Exception):  # noqa: N818 -- the API's own word for it
    """The server answered with a problem (RFC 9457): status, stable code, and the whole body."""

    def __init__(self, status: int, code: str, body: Mapping[str, Any]) -> None:
        detail = body.get("detail") or body.get("title") or "no detail"
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.body = body

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """Read a response of status 400 or more, whether or not it is a well-formed problem."""
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            body = {"detail": response.text[:200] or response.reason_phrase}
        if "Retry-After" in response.headers:
            body.setdefault("retry_after", response.headers["Retry-After"])
        return cls(response.status_code, str(body.get("code", "http_error")), body)


class DeviceClient(LogCalls):
    """One device's calls. Gets a token when one is needed and renews it; raises ApiProblem.

    Also raises `httpx.TransportError` when no server answers. Not for several threads at once.
    """

    def __init__(
        self,
        *,
        base_url: str,
        device_id: UUID,
        organisation_id: UUID,
        keys: DeviceKeys,
        trace: Trace | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`keys` serve to sign for tokens; `trace` is given each request as a curl command."""
        self.base_url = base_url.rstrip("/")
        self.device_id = device_id
        self.organisation_id = organisation_id
        self._keys = keys
        self._trace = trace
        self._token: str | None = None
        self._renew_at = 0.0
        # trust_env off: a proxy in the environment is for elsewhere, not for the local server.
        self._http = httpx.Client(
            base_url=f"{self.base_url}/api/mobile/",
            headers={"User-Agent": USER_AGENT},
            timeout=TIMEOUT_SECONDS,
            limits=KEPT,
            transport=transport,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def config(self) -> JsonObject:
        """What the server asks of devices, and its limits. Needs no token."""
        return self._send("GET", "config", authorised=False)

    def me(self) -> JsonObject:
        """This device, its membership and its organisation."""
        return self._send("GET", "me")

    def devices(self) -> list[JsonObject]:
        """All devices of this device's person in this organisation."""
        results: list[JsonObject] = self._send("GET", "devices")["results"]
        return results

    def revoke(self, device_id: UUID) -> None:
        """Revoke one of the person's own devices, at once."""
        self._send("DELETE", f"devices/{device_id}")

    def link_token(self) -> str:
        """A token that a second device of the same person redeems within 10 minutes, once."""
        return str(self._send("POST", "devices/link-token")["link_token"])

    def approve(self, device_id: UUID, *, compared: str) -> JsonObject:
        """Let a linked device of the same person in, where the policy leaves it to the person."""
        return self._send("POST", f"devices/{device_id}/approve", {"compared": compared})

    def change_phone(self, phone: str, *, idempotency_key: str | None = None) -> JsonObject:
        """Ask for another number; a code goes there."""
        body = {"phone": phone}
        return self._send("POST", "me/phone", body, idempotency_key=idempotency_key)

    def prove_phone(self, code: str) -> JsonObject:
        """Send the code that came to the new number; then the change waits for approval."""
        return self._send("POST", "me/phone/code", {"code": code})

    def status(self) -> JsonObject:
        """The own key bundle as the server has it."""
        return self._send("GET", self._bundle)

    def publish(
        self,
        one_time_pre_keys: Sequence[JsonObject] | None = None,
        signed_pre_key: JsonObject | None = None,
    ) -> JsonObject:
        """Upload OPKs (at most 100), an SPK or both; returns the bundle's status."""
        body: JsonObject = {"identity_key": encode(self._keys.identity_key)}
        if signed_pre_key is not None:
            body["signed_pre_key"] = signed_pre_key
        if one_time_pre_keys is not None:
            body["one_time_pre_keys"] = list(one_time_pre_keys)
        return self._send("PUT", self._bundle, body)

    def rotate(self, signed_pre_key: JsonObject) -> JsonObject:
        """Make this SPK the current one; returns the bundle's status."""
        return self._send("PUT", f"{self._bundle}/signed-pre-key", signed_pre_key)

    def withdraw(self) -> JsonObject:
        """Withdraw all unclaimed OPKs; returns the bundle's status."""
        return self._send("DELETE", f"{self._bundle}/one-time-pre-keys")

    def claim(self, device_id: UUID, *, idempotency_key: str | None = None) -> JsonObject:
        """Take a bundle of another device; the same idempotency key gets the same OPK again."""
        path = f"key-bundles/{device_id}/claim"
        return self._send("POST", path, idempotency_key=idempotency_key)

    def claim_many(
        self,
        device_ids: Sequence[UUID],
        *,
        idempotency_key: str | None = None,
    ) -> list[JsonObject]:
        """Take bundles of up to 100 devices: for each its id with `bundle` or `error`."""
        body = {"device_ids": [str(device_id) for device_id in device_ids]}
        answer = self._send("POST", "key-bundles/claim", body, idempotency_key=idempotency_key)
        results: list[JsonObject] = answer["results"]
        return results

    def rooms(self) -> list[JsonObject]:
        """The rooms that this device's person is in."""
        return self._every("rooms")

    def members(self) -> list[JsonObject]:
        """The people whom this device may message, with their devices."""
        return self._every("members")

    def _every(self, path: str) -> list[JsonObject]:
        """All pages of a list."""
        rows: list[JsonObject] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"cursor": cursor} if cursor else {}
            page = self._send("GET", str(httpx.URL(path, params=query)))
            rows += page["results"]
            cursor = page["next"]
        return rows

    def room(self, room_id: UUID) -> JsonObject:
        """One room, with its people and their devices."""
        return self._send("GET", f"rooms/{room_id}")

    def mailbox(self, *, limit: int = 64) -> JsonObject:
        """What waits, oldest first, but for what is under way on a socket: `envelopes`, `more`."""
        return self._send("GET", f"mailbox?limit={limit}")

    def acknowledge(self, envelope_ids: Sequence[str]) -> JsonObject:
        """These envelopes are safe here: `acknowledged`, how many of them had waited."""
        return self._send("POST", "mailbox/ack", {"envelope_ids": list(envelope_ids)})

    def send_message(self, room_id: UUID, message: JsonObject) -> JsonObject:
        """Send a message's envelopes: `accepted_at`, `receipt`, `skipped`."""
        return self._send("POST", f"rooms/{room_id}/messages", message)

    def send_part(self, broadcast_id: UUID, message: JsonObject) -> JsonObject:
        """Send some of a broadcast's envelopes: `accepted_at`, `receipt`, `skipped`."""
        return self._send("POST", f"broadcasts/{broadcast_id}/envelopes", message)

    def token(self, *, renew: bool = False) -> str:
        """Return a token that is good for some time yet; ask for one where needed or told to."""
        if renew or self._token is None or time.monotonic() >= self._renew_at:
            self._token = None
            device_id = str(self.device_id)
            challenge = self._send(
                "POST", "auth/challenge", {"device_id": device_id}, authorised=False
            )["challenge"]
            signature = self._keys.sign_challenge(
                self.base_url, decode(challenge), self.device_id, self.organisation_id
            )
            body = {
                "device_id": device_id,
                "challenge": challenge,
                "signature": encode(signature),
            }
            answer = self._send("POST", "auth/token", body, authorised=False)
            self._token = str(answer["access_token"])
            self._renew_at = time.monotonic() + answer["expires_in"] - _RENEWED_BEFORE_SECONDS
        return self._token

    @property
    def _bundle(self) -> str:
        return f"key-bundles/{self.device_id}"

    def _send(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        authorised: bool = True,
        idempotency_key: str | None = None,
    ) -> JsonObject:
        """Send one request; returns the answer's JSON."""
        response = self._answer(
            method, path, body, authorised=authorised, idempotency_key=idempotency_key
        )
        answer: JsonObject = response.json() if response.content else {}
        return answer

    def _answer(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        authorised: bool = True,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        """Send one request, once more with a fresh token on 401."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        response = self._request(method, path, body, headers, authorised=authorised)
        if response.status_code == _UNAUTHORISED and authorised:
            self._token = None
            response = self._request(method, path, body, headers, authorised=True)
        if response.is_error:
            raise ApiProblem.of(response)
        return response

    def _request(
        self,
        method: str,
        path: str,
        body: JsonObject | None,
        headers: Mapping[str, str],
        *,
        authorised: bool,
    ) -> httpx.Response:
        token = {"Authorization": f"Bearer {self.token()}"} if authorised else {}
        request = self._http.build_request(method, path, json=body, headers={**headers, **token})
        if self._trace is not None:
            self._trace(as_curl(request, body))
        response = self._http.send(request)
        if self._trace is not None:
            self._trace(in_words(response))
        return response


def in_words(response: httpx.Response) -> str:
    """Return a comment line for the trace: how the server answered, and how fast."""
    problem = f" {ApiProblem.of(response).code}" if response.is_error else ""
    elapsed = response.elapsed.total_seconds() * 1000
    return f"# {response.status_code} {response.reason_phrase}{problem}, {elapsed:.0f} ms"
