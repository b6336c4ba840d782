"""What people of the demo say. Only their devices ever see it."""

from typing import Final

PHRASES: Final = (
    "Bed 12 is ready for transfer.",
    "Can somebody cover the late shift on Friday?",
    "Thanks, got it.",
    "The rota for next week is up.",
    "On my way, five minutes.",
    "Who has the key to the plant room?",
    "Pharmacy confirms the delivery for three o'clock.",
    "Please check the log before you sign off.",
    "Handover in ten minutes.",
    "The lift by the east entrance is out again.",
    "Agreed.",
    "Could you call me when you have a minute?",
    "That is done.",
    "The engineer is here, who takes him up?",
    "Reading the report now, back to you before noon.",
    "Stand down, it was a false alarm.",
)
