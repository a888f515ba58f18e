"""Record the README's moving picture: `make recording`. Submit, progress, a killed worker, and how the job goes on.

It runs the demo itself, kills its worker by SIGKILL in the middle of a job, and keeps a picture of the page every so
often. Needs Debian's package chromium-headless-shell, or chromium.
"""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tidings.process.port import free_port

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/images/recording.webp"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
SIZE = {"width": 1240, "height": 700}
"""Of the page; wide enough to have the jobs beside the forms."""
SHOWN = (992, 560)
"""Of the picture."""
FRAME_MS = 150
MOST_BYTES = 2_000_000
WORDS = 220
LEASE_S = "2"
"""How long a job is left to a lost worker: shorter than the default, since the picture shows the wait."""

LAST_S = 2.5
"""How long the last picture stays before the first comes again."""

SCROLL = """() => {
  const job = document.querySelector("li.job");
  if (job === null) return;
  for (const part of job.querySelectorAll("*")) part.scrollTop = part.scrollHeight;
  job.style.scrollMarginBottom = "76px";
  job.scrollIntoView({ block: "end" });
}"""
"""Has the end of the job, and of its text, in sight."""

CAPTION = """text => {
  const found = document.querySelector("#caption") ?? document.body.appendChild(document.createElement("p"));
  found.id = "caption";
  found.textContent = text;
  found.style.cssText = "position:fixed;left:50%;bottom:14px;transform:translateX(-50%);margin:0;padding:10px 18px;" +
    "border-radius:10px;background:#1c2333;color:#fff;font:600 17px system-ui,sans-serif;z-index:9;white-space:nowrap";
}"""


class Recording:
    """The pictures so far."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[Image.Image] = []
        self._moments: list[float] = []
        """When each was taken, s."""

    def say(self, text: str) -> None:
        """Put a caption under what follows."""
        self._page.evaluate(CAPTION, text)

    def keep(self, seconds: float) -> None:
        """Keep pictures for a time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            self._page.evaluate(SCROLL)
            self._moments.append(time.monotonic())
            self._frames.append(self._look())
            self._page.wait_for_timeout(max(0.0, FRAME_MS - (time.monotonic() - begun) * 1000))

    def _look(self) -> Image.Image:
        with Image.open(io.BytesIO(self._page.screenshot(type="png"))) as picture:
            return picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)

    def keep_until(self, selector: str, most: float) -> None:
        """Keep pictures until the page has something."""
        end = time.monotonic() + most
        while self._page.locator(selector).count() == 0:
            if time.monotonic() > end:
                sys.exit(f"the page has no {selector} after {most} s")
            self.keep(FRAME_MS / 1000)

    def write(self, path: Path) -> int:
        """Write them as one picture that moves, and return its bytes."""
        first, *others = self._frames
        ends = [*self._moments[1:], self._moments[-1] + LAST_S]
        times = [round((end - begun) * 1000) for begun, end in zip(self._moments, ends, strict=True)]
        first.save(path, save_all=True, append_images=others, duration=times, loop=0, quality=62, method=4)
        return path.stat().st_size


def main() -> None:
    """Record."""
    with demo() as url, sync_playwright() as playwright:
        program = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(url)
        page.get_by_label("Words", exact=True).fill(str(WORDS))
        recording = Recording(page)
        recording.say("A page submits a job, and has its token at once")
        page.get_by_role("button", name="Stream it").scroll_into_view_if_needed()
        recording.keep(1.2)
        page.get_by_role("button", name="Stream it").click()
        recording.say("What the worker says is pushed, word by word")
        recording.keep(3.2)
        os.kill(worker(url), signal.SIGKILL)
        recording.say("kill -9: the worker is gone")
        recording.keep(2.4)
        recording.say("Another worker goes on where the first one was")
        recording.keep_until('li.job[data-state="succeeded"]', 60)
        recording.say("One job, one result, no word twice")
        recording.keep(0.4)
        size = recording.write(PICTURE)
        browser.close()
    if size > MOST_BYTES:
        sys.exit(f"{PICTURE.name} has {size:,} bytes; at most {MOST_BYTES:,} are wanted")
    print(f"{PICTURE.relative_to(ROOT)}: {size:,} bytes")  # noqa: T201


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo around the body, with a store of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "TIDINGS_PAGE": "demo", "TIDINGS_PORT": str(port), "TIDINGS_DIR": folder,
            "TIDINGS_LEASE_S": LEASE_S, "TIDINGS_HEARTBEAT_S": "0.5", "TIDINGS_SWEEP_S": "0.5",
        }  # fmt: skip
        command = [sys.executable, "-m", "tidings", "dev", str(ROOT / "examples/demo/jobs.py"), "--no-reload"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own
            try:
                end = time.monotonic() + 60
                while not _serves(url):
                    if process.poll() is not None or time.monotonic() > end:
                        sys.exit("the demo does not run: make demo shows why")
                    time.sleep(0.2)
                yield url
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def worker(url: str) -> int:
    """Return the process of the worker."""
    with urllib.request.urlopen(f"{url}/v1/admin/overview", timeout=10) as answer:  # noqa: S310 - our own server
        return int(json.load(answer)["workers"][0]["pid"])


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/v1/kinds", timeout=5) as answer:  # noqa: S310 - our own server
            return "recite" in {one["kind"] for one in json.load(answer)["kinds"]}
    except OSError:
        return False


if __name__ == "__main__":
    main()
