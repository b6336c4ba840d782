"""Ends of rooms: told of before, carried out when they come."""

from messaging.services import end_notices, ends
from semafore.kernel.tasks import system_task

close_due_rooms = system_task("messaging.close_due_rooms")(ends.close_due_rooms)
tell_of_ends = system_task("messaging.tell_of_ends")(end_notices.tell_of_ends)
