"""The kernel as a Django app: its checks, and answers kept for retries."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Registers the system checks, the figures, the doctor's looks and the lines of tasks."""

    name = "semafore.kernel"
    label = "kernel"

    def ready(self) -> None:
        """Import the checks and the handlers of Celery's signals, which register themselves."""
        from semafore.kernel import checks, figures, task_lines  # noqa: F401 - registers them
        from semafore.kernel.doctor import DOCTOR, machine, servers, tasks
        from semafore.kernel.metrics import FIGURES

        FIGURES.register("kernel", figures.figures)
        DOCTOR.register("database", servers.database, needs_database=False)
        DOCTOR.register("migrations", servers.migrations)
        DOCTOR.register("redis", servers.redis_server, needs_database=False)
        DOCTOR.register("tasks", tasks.scheduled_tasks)
        DOCTOR.register("queues", tasks.task_queues, needs_database=False)
        DOCTOR.register("workers", tasks.workers, needs_database=False)
        DOCTOR.register("clock", machine.clock)
        DOCTOR.register("settings", machine.deployment_checks, needs_database=False)
        DOCTOR.register("static files", machine.static_files, needs_database=False)
        DOCTOR.register("web", machine.web, needs_database=False)
