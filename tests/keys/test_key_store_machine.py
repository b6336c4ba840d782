"""A Hypothesis state machine: any sequence of acts keeps the rules of the key store."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from semafore.local.client.api import ApiProblem
from semafore.local.client.wire import decode
from tests import cast


class KeyStore(RuleBasedStateMachine):
    """Bob publishes, rotates and withdraws; Alice claims; a model says what must hold."""

    @initialize()
    def begin(self) -> None:
        """Two devices; the model is what Bob uploaded and Alice got."""
        acme = cast.organisation("Acme")
        self.alice = cast.phone(cast.member(acme, "Alice"))
        self.bob = cast.phone(cast.member(acme, "Bob"), one_time_pre_keys=3)
        self.available = [1, 2, 3]
        self.uploaded: list[list[dict[str, Any]]] = []
        self.issued: list[int] = []
        self.retries: dict[str, int | None] = {}

    @rule(count=st.integers(0, 6), gap=st.integers(0, 3))
    def publish(self, count: int, gap: int) -> None:
        """A batch, with ids that may leave a gap."""
        above = self.bob.keys.next_one_time_pre_key_id - 1 + gap
        batch = self.bob.keys.make_one_time_pre_keys(count, above=above)
        self.bob.api.publish(batch)
        self.uploaded.append(batch)
        self.available += [key["key_id"] for key in batch]

    @rule(data=st.data())
    def publish_again(self, data: st.DataObject) -> None:
        """An old batch again: a no-op, or a conflict where keys were withdrawn."""
        if not self.uploaded:
            return
        batch = data.draw(st.sampled_from(self.uploaded))
        try:
            self.bob.api.publish(batch)
        except ApiProblem as problem:
            assert problem.code == "key_id_conflict"
            known = {*self.available, *self.issued}
            assert {key["key_id"] for key in batch} - known == set(problem.body["key_ids"])

    @rule(retry=st.sampled_from([None, "a", "b", "c"]))
    def claim(self, retry: str | None) -> None:
        """The oldest available key, None when none is left; a retry gets its own again."""
        key = self.alice.api.claim(self.bob.id, idempotency_key=retry)["one_time_pre_key"]
        got = key and key["key_id"]
        if retry in self.retries:
            assert got == self.retries[retry]
            return
        assert got == (self.available[0] if self.available else None)
        if got is not None:
            self.issued.append(self.available.pop(0))
        if retry is not None:
            self.retries[retry] = got

    @rule()
    def withdraw(self) -> None:
        """Everything unclaimed goes; its ids stay used."""
        self.bob.api.withdraw()
        self.available = []

    @rule()
    def rotate(self) -> None:
        """The next signed pre-key, unless it is one too many today."""
        new = self.bob.keys.rotate_signed_pre_key()
        try:
            self.bob.api.rotate(new.to_public_json())
        except ApiProblem as problem:
            assert problem.code == "rotation_limit"
            self.bob.keys.forget_signed_pre_key(new.key_id)

    @invariant()
    def server_and_device_agree(self) -> None:
        """Stock, ranges and digest are the model's; no key was issued twice."""
        if not hasattr(self, "bob"):
            return
        status = self.bob.api.status()
        ids = [
            key_id
            for low, high in status["one_time_pre_keys"]["available_ranges"]
            for key_id in range(low, high + 1)
        ]
        assert ids == self.available
        assert status["one_time_pre_keys"]["available"] == len(ids)
        current = status["signed_pre_key"]["key_id"]
        assert current == self.bob.keys.signed_pre_key.key_id
        assert decode(status["digest"]) == self.bob.keys.digest(current, ids)
        assert len(set(self.issued)) == len(self.issued)


@pytest.mark.django_db
def test_any_sequence_of_acts_keeps_the_rules() -> None:
    run_state_machine_as_test(
        KeyStore,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
