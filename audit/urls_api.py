"""Routes of the audit API."""

from django.urls import path

from audit import api

urlpatterns = [
    path("log/checkpoint", api.CheckpointView.as_view()),
    path("log/keys", api.KeysView.as_view()),
    path("log/tile/entries/<path:place>", api.EntriesView.as_view()),
    path("log/tile/<str:level>/<path:place>", api.TileView.as_view()),
    path("events/<uuid:event_id>/proof", api.EventProofView.as_view()),
]
