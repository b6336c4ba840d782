"""Routes of rooms, messages and mailbox."""

from django.urls import path

from messaging.api import messages

urlpatterns = [
    path("rooms/<uuid:room_id>/messages", messages.MessagesView.as_view()),
]
