"""Routes of rooms, messages and mailbox."""

from django.urls import path

from messaging.api import mailbox, messages

urlpatterns = [
    path("rooms/<uuid:room_id>/messages", messages.MessagesView.as_view()),
    path("messages/<uuid:message_id>", messages.MessageView.as_view()),
    path("mailbox", mailbox.MailboxView.as_view()),
    path("mailbox/ack", mailbox.AckView.as_view()),
]
