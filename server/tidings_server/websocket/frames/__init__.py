"""Bytes of a WebSocket to frames of the protocol."""
