"""Pages of the audit log."""

from django.urls import path

from audit.console import events

urlpatterns = [
    path("audit", events.AuditView.as_view(), name="audit"),
    path("audit/events/<uuid:event_id>", events.EventView.as_view(), name="event"),
    path("audit/events/<uuid:event_id>/proof", events.ProofView.as_view(), name="event_proof"),
]
