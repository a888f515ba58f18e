"""The transport by server-sent events."""
