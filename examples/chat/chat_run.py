"""Everything on this machine: model, store and worker (`tidings dev`), application: `python chat_run.py [PORT]`."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import uvicorn

HERE = Path(__file__).parent
START_WITHIN_S = 60.0


def free_port() -> int:
    """Return a port that no other program has at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(url: str) -> None:
    """Return when a server is ready there."""
    give_up = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=1):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("`tidings dev` did not start; it says why above")


def main() -> None:
    """Run until Ctrl-C."""
    os.chdir(HERE)
    sys.path.insert(0, str(HERE))
    model, store = free_port(), free_port()
    os.environ.setdefault("MODEL_URL", f"http://127.0.0.1:{model}")
    beside = (
        ["uvicorn", "model_server:app", "--port", str(model), "--log-level", "warning"],
        ["tidings", "dev", "--port", str(store), "chat_jobs.py"],
    )
    with ExitStack() as ends:
        for command in beside:
            process = ends.enter_context(subprocess.Popen([sys.executable, "-m", *command]))  # noqa: S603 - our own
            ends.callback(process.terminate)
        wait_for(f"http://127.0.0.1:{store}")
        os.environ.setdefault("TIDINGS_STORE_URL", "embedded:.tidings")
        uvicorn.run("chat_app:app", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000, ws="websockets-sansio")


if __name__ == "__main__":
    main()
