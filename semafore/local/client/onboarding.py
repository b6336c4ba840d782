"""Onboarding as a device does it: from an invitation or a link until it waits for approval."""

from collections.abc import Callable
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx

from semafore.local.client.api import (
    KEPT,
    TIMEOUT_SECONDS,
    USER_AGENT,
    ApiProblem,
    Trace,
    in_words,
)
from semafore.local.client.tracing import as_curl
from semafore.local.client.wire import JsonObject

# `invalid`: not six digits.
_TYPED_WRONG = ("code_wrong", "invalid")

Ask = Callable[[str], str]
"""Gives the person's answer to a question, such as the code that came by SMS."""


class OnboardingClient:
    """The calls of one onboarding; holds its id and, once the phone is proved, its session."""

    def __init__(
        self,
        *,
        base_url: str,
        trace: Trace | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`trace` is given each request as a curl command; tokens stay out of it."""
        self._trace = trace
        self._started: JsonObject = {}
        self._session: JsonObject = {}
        # trust_env off: a proxy in the environment is for elsewhere, not for the local server.
        self._http = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/mobile/",
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
        self._http.close()

    @property
    def id(self) -> UUID:
        """The onboarding's id."""
        return UUID(self._started["id"])

    @property
    def organisation_id(self) -> UUID:
        """Whom the device is going to belong to."""
        return UUID(self._started["organisation"]["id"])

    @property
    def proved(self) -> bool:
        """There is a session: the phone is proved, or there was none to prove."""
        return bool(self._session)

    @property
    def steps(self) -> list[JsonObject]:
        """What is still to come after the phone."""
        steps: list[JsonObject] = self._session["steps"]
        return steps

    def start(self, token: str) -> JsonObject:
        """Open an invitation or a link; a code goes to the phone."""
        self._started = self._send("POST", "onboarding", {"invitation_token": token})
        self._session = self._started["session"] or {}
        return self._started

    def send_code(self) -> None:
        """Have another code sent."""
        self._send("POST", f"onboarding/{self.id}/phone-code")

    def prove_phone(self, code: str) -> list[JsonObject]:
        """Send the code; returns the steps that are still to come."""
        self._session = self._send("POST", f"onboarding/{self.id}/phone", {"code": code})
        return self.steps

    def set_up_totp(self) -> str:
        """A new second factor; returns the address for an authenticator app."""
        return str(self._send("POST", f"onboarding/{self.id}/totp")["otpauth_url"])

    def prove_totp(self, code: str) -> None:
        """Prove the second factor."""
        self._send("PUT", f"onboarding/{self.id}/totp", {"code": code})

    def register(self, body: JsonObject) -> JsonObject:
        """Register the device with its keys (`DeviceKeys.enrolment_body`)."""
        return self._send("POST", f"onboarding/{self.id}/device", body)

    def status(self) -> JsonObject:
        """Where it stands."""
        return self._send("GET", f"onboarding/{self.id}")

    def walk(self, token: str, ask: Ask) -> None:
        """Every step up to the registration, with the person's answers; raises ApiProblem."""
        self.start(token)
        if not self.proved:
            until_right("The code that came by SMS", ask, self.prove_phone)
        for step in self.steps:
            if step["step"] == "totp" and step["required"]:
                if step["set_up"]:
                    ask(f"Add {self.set_up_totp()} to an authenticator app, then press Enter")
                until_right("The code of your authenticator app", ask, self.prove_totp)

    def _send(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        token = self._session.get("session_token")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = self._http.build_request(method, path, json=body, headers=headers)
        if self._trace is not None:
            self._trace(as_curl(request, body))
        response = self._http.send(request)
        if self._trace is not None:
            self._trace(in_words(response))
        if response.is_error:
            raise ApiProblem.of(response)
        answer: JsonObject = response.json() if response.content else {}
        return answer


def until_right(question: str, ask: Ask, prove: Callable[[str], object]) -> None:
    """Ask again after a wrong code; raises ApiProblem for all else, too many tries among it."""
    while True:
        try:
            prove(ask(question))
        except ApiProblem as problem:
            if problem.code not in _TYPED_WRONG:
                raise
            question = "That is not the code. Again"
        else:
            return
