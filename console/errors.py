"""What can go wrong with playbooks."""

from semafore.kernel.problems import Problem


class PlaybookDone(Problem):
    """Somebody did it before, or the same person twice: nothing is left to do."""

    status, code, title = 409, "playbook_done", "This is done already: nothing is left to do."
