"""Routes of devices, key bundles, device authentication and the log."""

from django.urls import path

from keys import api, api_log, api_managed

urlpatterns = [
    path("config", api.ConfigView.as_view()),
    path("auth/challenge", api.ChallengeView.as_view()),
    path("auth/token", api.TokenView.as_view()),
    path("me", api.MeView.as_view()),
    path("devices", api.DevicesView.as_view()),
    path("devices/<uuid:device_id>", api.DeviceView.as_view()),
    path("devices/<uuid:device_id>/enrolment-proof", api_log.EnrolmentProofView.as_view()),
    path("log/checkpoint", api_log.CheckpointView.as_view()),
    path("log/consistency", api_log.ConsistencyView.as_view()),
    path("log/seen", api_log.SeenView.as_view()),
    path("managed-config", api_managed.ManagedConfigView.as_view()),
    path("posture", api_managed.PostureView.as_view()),
    path("key-bundles/claim", api.BulkClaimView.as_view()),
    path("key-bundles/<uuid:device_id>", api.KeyBundleView.as_view()),
    path("key-bundles/<uuid:device_id>/claim", api.ClaimView.as_view()),
    path("key-bundles/<uuid:device_id>/signed-pre-key", api.SignedPreKeyView.as_view()),
    path("key-bundles/<uuid:device_id>/one-time-pre-keys", api.OneTimePreKeysView.as_view()),
]
