"""One HTTP connection of uvicorn: its time limits, refusals, meter and upgrade to a WebSocket."""
