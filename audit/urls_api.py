"""Routes of the audit API."""

from django.urls import path

from audit.api import events, existence, exports, log

urlpatterns = [
    path("log/checkpoint", log.CheckpointView.as_view()),
    path("log/keys", log.KeysView.as_view()),
    path("log/tile/entries/<path:place>", log.EntriesView.as_view()),
    path("log/tile/<str:level>/<path:place>", log.TileView.as_view()),
    path("events", events.EventsView.as_view()),
    path("events/<uuid:event_id>", events.EventView.as_view()),
    path("existence-proofs", existence.ExistenceProofsView.as_view()),
    path("events/<uuid:event_id>/proof", events.EventProofView.as_view()),
    path("exports", exports.ExportsView.as_view()),
    path("exports/<uuid:export_id>", exports.ExportView.as_view()),
    path("exports/<uuid:export_id>/file", exports.ExportFileView.as_view()),
]
