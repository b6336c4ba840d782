"""Pages of devices."""

from django.urls import path

from keys import console

urlpatterns = [
    path("devices", console.DevicesView.as_view(), name="devices"),
    path("devices/<uuid:device_id>", console.DeviceView.as_view(), name="device"),
    path(
        "devices/<uuid:device_id>/revoke", console.DeviceRevokeView.as_view(), name="device_revoke"
    ),
    path("devices/<uuid:device_id>/lost", console.DeviceLostView.as_view(), name="device_lost"),
]
