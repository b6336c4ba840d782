"""Pages of rooms and parties."""

from django.urls import path

from messaging.console import decisions, guests, placeholders, requests

urlpatterns = [
    path("rooms/<uuid:room_id>", placeholders.Placeholder.as_view(), name="room"),
    path("parties/<uuid:party_id>", placeholders.Placeholder.as_view(), name="party"),
    path("rooms/new", requests.RoomRequestNewView.as_view(), name="room_request_new"),
    path("rooms/emergency", requests.EmergencyRoomNewView.as_view(), name="room_emergency_new"),
    path(
        "rooms/requests/<uuid:request_id>",
        requests.RoomRequestView.as_view(),
        name="room_request",
    ),
    path(
        "rooms/requests/<uuid:request_id>/withdraw",
        decisions.RoomWithdrawView.as_view(),
        name="room_withdraw",
    ),
    path("rooms/<uuid:room_id>/extend", decisions.RoomExtendView.as_view(), name="room_extend"),
    path(
        "rooms/<uuid:room_id>/guests",
        requests.RoomGuestsAddView.as_view(),
        name="room_guests_add",
    ),
    path(
        "rooms/<uuid:room_id>/guests/<uuid:membership_id>/remove",
        decisions.RoomGuestRemoveView.as_view(),
        name="room_guest_remove",
    ),
    path("rooms/<uuid:room_id>/close", decisions.RoomCloseView.as_view(), name="room_close"),
    path(
        "parties/<uuid:party_id>/cut-off",
        guests.PartyCutOffView.as_view(),
        name="party_cut_off",
    ),
    path("guests/sponsor", guests.GuestsTakeOverView.as_view(), name="guests_take_over"),
]
