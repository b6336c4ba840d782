"""Refusals of reports."""

from semafore.kernel.problems import Problem


class ReportClosed(Problem):
    """An answer can be looked at for an hour: what was asked why is to be fresh."""

    status, code, title = (
        410,
        "report_closed",
        "A report can be read for an hour after it was asked for. Ask again.",
    )


class ReportTerms(Problem):
    """A question that no report answers; the detail says why."""

    status, code, title = 422, "report_terms", "This can't be reported on."
