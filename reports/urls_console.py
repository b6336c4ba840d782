"""Pages of reports."""

from django.urls import path

from reports.console import asking, opening

urlpatterns = [
    path("reports", asking.ReportsView.as_view(), name="reports"),
    path("reports/communication-graph", asking.GraphNewView.as_view(), name="report_graph_new"),
    path("reports/timing", asking.TimingNewView.as_view(), name="report_timing_new"),
    path("reports/membership", asking.MembershipNewView.as_view(), name="report_membership_new"),
    path("reports/<uuid:report_id>", opening.ReportView.as_view(), name="report"),
    path(
        "reports/<uuid:report_id>/graph.graphml",
        opening.GraphmlView.as_view(),
        name="report_graphml",
    ),
    path(
        "reports/<uuid:report_id>/people.csv",
        opening.PeopleView.as_view(),
        name="report_people",
    ),
    path(
        "reports/<uuid:report_id>/changes.csv",
        opening.ChangesView.as_view(),
        name="report_changes",
    ),
]
