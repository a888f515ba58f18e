"""Everything on this machine: a store and a worker (`tidings dev`), and the application: `python run.py [PORT]`."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import uvicorn

HERE = Path(__file__).parent
START_WITHIN_S = 60.0


def free_port() -> int:
    """Return a port that no other program has at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether a server is ready there."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=1) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def main() -> None:
    """Run until Ctrl-C."""
    os.chdir(HERE)
    sys.path.insert(0, str(HERE))
    port = free_port()
    command = [sys.executable, "-m", "tidings", "dev", "--port", str(port), "reports.py"]
    with subprocess.Popen(command) as beside:  # noqa: S603 - our own
        try:
            give_up = time.monotonic() + START_WITHIN_S
            while not answers(f"http://127.0.0.1:{port}"):
                if beside.poll() is not None or time.monotonic() > give_up:
                    raise SystemExit("`tidings dev` did not start; it says why above")
                time.sleep(0.1)
            os.environ.setdefault("TIDINGS_STORE_URL", "embedded:.tidings")
            uvicorn.run("app:app", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000, ws="websockets-sansio")
        finally:
            beside.terminate()


if __name__ == "__main__":
    main()
