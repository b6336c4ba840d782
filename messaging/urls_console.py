"""Pages of rooms, parties, broadcasts, screenshot reports and reachability."""

from django.urls import path

from messaging.console import (
    appointing,
    broadcasts,
    decisions,
    guests,
    parties,
    reachability,
    requests,
    rooms,
    screenshots,
    wake,
)

urlpatterns = [
    path("rooms", rooms.RoomsView.as_view(), name="rooms"),
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
    path("rooms/<uuid:room_id>", rooms.RoomView.as_view(), name="room"),
    path("rooms/<uuid:room_id>/people", rooms.RoomPeopleView.as_view(), name="room_people"),
    path(
        "rooms/<uuid:room_id>/people/<uuid:membership_id>/role",
        appointing.RoomAppointView.as_view(),
        name="room_appoint",
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
    path("parties", parties.PartiesView.as_view(), name="parties"),
    path("parties/<uuid:party_id>", parties.PartyView.as_view(), name="party"),
    path(
        "parties/<uuid:party_id>/cut-off",
        guests.PartyCutOffView.as_view(),
        name="party_cut_off",
    ),
    path("guests/sponsor", guests.GuestsTakeOverView.as_view(), name="guests_take_over"),
    path("broadcasts", broadcasts.BroadcastsView.as_view(), name="broadcasts"),
    path("screenshots", screenshots.ScreenshotsView.as_view(), name="screenshots"),
    path("reachability", reachability.ReachabilityView.as_view(), name="reachability"),
    path("devices/<uuid:device_id>/wake", wake.DeviceWakeView.as_view(), name="device_wake"),
]
