"""Everything on this machine: store, server and worker of the jobs (`tidings dev`), and the site: `run.py [PORT]`."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
START_WITHIN_S = 60.0


def free_port() -> int:
    """Return a port that no other program has at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def new_key() -> tuple[str, str]:
    """Return a new API key of the site, and the setting by which the server knows it."""
    command = [sys.executable, "-m", "tidings", "key", "site", "--scope", "submit", "--scope", "watch"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 - our own
    return said[said.index("key") + 1], said[said.index("setting") + 1]


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
    port, jobs_port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000, free_port()
    url = f"http://127.0.0.1:{jobs_port}"
    key, setting = new_key()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="website.settings",
        TIDINGS_URL=url,
        TIDINGS_CREDENTIAL=key,
        TIDINGS_AUTH="api_key",
        TIDINGS_API_KEYS=setting,
        TIDINGS_ALLOWED_ORIGINS=f"http://127.0.0.1:{port},http://localhost:{port}",
    )
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], check=True)  # noqa: S603 - our own
    command = [sys.executable, "-m", "tidings", "dev", "--port", str(jobs_port), "tidings.django.tasks"]
    with subprocess.Popen(command) as beside:  # noqa: S603 - our own
        try:
            give_up = time.monotonic() + START_WITHIN_S
            while not answers(url):
                if beside.poll() is not None or time.monotonic() > give_up:
                    raise SystemExit("`tidings dev` did not start; it says why above")
                time.sleep(0.1)
            site = subprocess.Popen([*manage, "runserver", "--noreload", str(port)])  # noqa: S603 - our own
            try:
                site.wait()
            finally:
                site.terminate()
                site.wait()
        finally:
            beside.terminate()


if __name__ == "__main__":
    main()
