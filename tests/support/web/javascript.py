"""Node, as tests start it."""

import subprocess


def node(*, socket: bool = True) -> list[str]:
    """Return the command of Node; with a `WebSocket`, which Node before its version 22 has only if asked."""
    found = subprocess.run(["node", "-p", "typeof WebSocket"], capture_output=True, text=True, check=True)
    return ["node", *(["--experimental-websocket"] if socket and found.stdout.strip() != "function" else [])]
