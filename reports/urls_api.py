"""Routes of reports in the audit API."""

from django.urls import path

from reports.api import views

urlpatterns = [
    path("reports/communication-graph", views.GraphView.as_view()),
    path("reports/timing", views.TimingView.as_view()),
    path("reports/membership", views.MembershipView.as_view()),
]
