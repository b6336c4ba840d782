"""Text messages: `send` hands one to the backend that the setting SMS_BACKEND names."""
