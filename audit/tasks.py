"""Scheduled work of the audit app."""

from audit.services import denials
from audit.services.retention import sweeps
from semafore.kernel.tasks import platform_task, system_task

settle_denials = system_task("audit.settle_denials")(denials.settle_denials)
settle_platform_denials = platform_task("audit.settle_platform_denials")(
    denials.settle_platform_denials
)
sweep_retention = system_task("audit.sweep_retention")(sweeps.sweep)
