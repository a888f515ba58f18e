"""The receivers of docs/how-to/receive-webhooks.md: each takes what is signed, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from snippets.pages import ROOT, Block, blocks
from support.timeouts import scaled
from tidings.process.port import free_port
from tidings.webhook import new_secret, sign

RECEIVERS = [block for block in blocks() if block.page == "docs/how-to/receive-webhooks.md"]
SECRET, OTHER = new_secret(), new_secret()


def deliver(port: int, secret: str | tuple[str, ...], body: bytes, message_id: str = "msg_1", late_s: int = 0) -> int:
    at = int(time.time()) - late_s
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(message_id, at, body, secret),
    }
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}/", body, headers), timeout=scaled(10)
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("block", RECEIVERS, ids=[f"{one.language}-{one.number}" for one in RECEIVERS])
def test_a_receiver_of_the_page_takes_what_is_signed_and_nothing_else(block: Block, tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / ("receiver.mjs" if block.language == "js" else "receiver.py")
    file.write_text(block.text)
    if block.language == "js":
        (tmp_path / "node_modules").mkdir()
        package = tmp_path / "node_modules" / "tidings"
        package.mkdir()
        shutil.copy(ROOT / "package.json", package)
        (package / "static").symlink_to(ROOT / "static")
    process = subprocess.Popen(
        ["node" if block.language == "js" else sys.executable, str(file)],
        env={**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    body = json.dumps({"type": "tidings.job.succeeded", "data": {"token": "default.x", "text": "ü"}}).encode()
    try:
        give_up = time.monotonic() + scaled(15)
        while True:
            try:
                assert deliver(port, SECRET, body) == 204
                break
            except OSError:
                assert time.monotonic() < give_up
                assert process.poll() is None
        assert process.stdout is not None
        assert process.stdout.readline() == "tidings.job.succeeded default.x\n"
        assert deliver(port, (OTHER, SECRET), body, "msg_2") == 204
        assert deliver(port, OTHER, body, "msg_3") == 401
        assert deliver(port, SECRET, body, "msg_4", late_s=400) == 401
    finally:
        process.kill()
        process.communicate()
