"""Scheduled work of the keys app."""

from keys.services import sweeps
from semafore.kernel.tasks import platform_task, system_task

delete_lapsed_signed_pre_keys = system_task("keys.delete_lapsed_signed_pre_keys")(
    sweeps.delete_lapsed_signed_pre_keys
)
warn_of_due_rotations = system_task("keys.warn_of_due_rotations")(sweeps.warn_of_due_rotations)
drop_tombstones = system_task("keys.drop_tombstones")(sweeps.drop_tombstones)
drop_claims = system_task("keys.drop_claims")(sweeps.drop_claims)
drop_tokens = system_task("keys.drop_tokens")(sweeps.drop_tokens)
drop_spent_challenges = platform_task("keys.drop_spent_challenges")(sweeps.drop_spent_challenges)
