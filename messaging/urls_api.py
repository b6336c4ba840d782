"""Routes of rooms, messages, mailbox and broadcasts."""

from django.urls import path

from messaging.api import (
    broadcasts,
    changes,
    devices,
    external,
    mailbox,
    members,
    messages,
    rooms,
)

urlpatterns = [
    path("members", members.MembersView.as_view()),
    path("changes", changes.ChangesView.as_view()),
    path("rooms", rooms.RoomsView.as_view()),
    path("rooms/<uuid:room_id>", rooms.RoomView.as_view()),
    path("rooms/<uuid:room_id>/members", rooms.RoomMembersView.as_view()),
    path(
        "rooms/<uuid:room_id>/members/<uuid:membership_id>",
        rooms.RoomMemberView.as_view(),
    ),
    path("rooms/<uuid:room_id>/leave", rooms.RoomLeaveView.as_view()),
    path("rooms/<uuid:room_id>/extension", external.ExtensionView.as_view()),
    path("rooms/<uuid:room_id>/guests", external.GuestsView.as_view()),
    path("rooms/<uuid:room_id>/messages", messages.MessagesView.as_view()),
    path("messages/<uuid:message_id>", messages.MessageView.as_view()),
    path("messages/<uuid:message_id>/proof", messages.MessageProofView.as_view()),
    path("mailbox", mailbox.MailboxView.as_view()),
    path("mailbox/ack", mailbox.AckView.as_view()),
    path("broadcasts", broadcasts.BroadcastsView.as_view()),
    path("broadcasts/<uuid:broadcast_id>/envelopes", broadcasts.PartsView.as_view()),
    path("broadcasts/<uuid:broadcast_id>/finish", broadcasts.FinishView.as_view()),
    path("screenshot-reports", devices.ScreenshotReportsView.as_view()),
    path("push-token", devices.PushTokenView.as_view()),
]
