"""Stores as a release left them: written by its own processes, kept as append-only files, read by later ones.

A file holds no function, and no name or path of a machine. Its times are those of its writing; what loads it moves them
to now, as if the release had stopped a moment ago, because much of a store has an expiry.
"""

import json
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis

from support.store import StoreProcess, running_store
from support.system import System
from support.timeouts import scaled
from support.waiting import until

FOLDER = Path(__file__).with_name("stored")
ROOT = Path(__file__).parents[2]
KINDS = str(Path(__file__).with_name("deploy_kinds.py"))
MS_DIGITS = 13
AFTER_MS = 3 * 365 * 86_400_000
BEFORE_MS = 3_600_000
"""Which numbers of a file are times: those of its writing, and the expiries and schedules after it."""


def write_store(name: str, python_path: Path, notes: Path) -> None:
    """Let a release do a bit of everything, and keep the store that it leaves.

    Args:
        name: of the files.
        python_path: where the release's packages are.
        notes: a file that its handler of events may write.

    """
    notes.touch()
    environment = {
        "PYTHONPATH": str(python_path),
        "TIDINGS_X_RELEASE": "before",
        "TIDINGS_X_NOTES": str(notes),
        "TIDINGS_NAME": "worker-before",
        "TIDINGS_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
    with running_store("--aof-use-rdb-preamble", "no") as store:
        system = System(store)
        try:
            worker = system.add_worker(KINDS, **environment)
            system.add_server(**{**environment, "TIDINGS_NAME": ""}).wait_until_ready(kinds=1)
            tokens = _jobs(system)
            worker.signal(signal.SIGKILL)
            worker.wait()
            tokens |= _jobs_without_a_worker(system)
            written_at = int(time.time() * 1000)
            base = _rewritten(store)
        finally:
            system.close()
    base = _without_functions(base)
    for place in (socket.gethostname(), str(ROOT), str(python_path), sys.prefix, sys.base_prefix):
        base = base.replace(place.encode(), b"x" * len(place.encode()))  # of the same length, as the file counts bytes
    assert not re.search(rb"/(work|tmp|home|root)/", base), "a path of this machine is in the store"
    (FOLDER / f"{name}.aof").write_bytes(base)
    text = json.dumps({"written_at": written_at, "tokens": tokens}, indent=2)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def _jobs(system: System) -> dict[str, str]:
    """Leave jobs in every state that needs a worker."""
    return {
        "succeeded": _submit(system, "tell", {"text": "kept"}, "succeeded", key="once", tags=["order:7"]),
        "failed": _submit(system, "refuse", {}, "failed"),
        "waiting": _submit(system, "approve", {}, "waiting"),
        "running": _submit(system, "linger", {"until": "today"}, "running"),
        "told": _submit(system, "tell", {"text": "told"}, "succeeded", webhook={"url": "https://127.0.0.1:9/hook"}),
    }


def _jobs_without_a_worker(system: System) -> dict[str, str]:
    tokens = {
        "queued": _submit(system, "tell", {"text": "queued"}, "queued"),
        "due": _submit(system, "tell", {"text": "due"}, "scheduled", delay=0.2),
        "scheduled": _submit(system, "tell", {"text": "later"}, "scheduled", delay=86_400),
        "cancelled": _submit(system, "tell", {"text": "unwanted"}, "scheduled", delay=86_400),
    }
    answer = httpx.delete(f"{system.server.url}/v1/jobs/{tokens['cancelled']}", timeout=scaled(15))
    assert answer.status_code == 202, answer.text
    return tokens


def _submit(system: System, kind: str, input: dict[str, Any], status: str, **options: Any) -> str:
    """Return the token of a job once it is in a state."""
    url = system.server.url + "/v1/jobs"
    answer = httpx.post(url, json={"kind": kind, "input": input, **options}, timeout=scaled(15))
    assert answer.status_code == 202, answer.text
    token = str(answer.json()["token"])
    look_until(system.server.url, token, status)
    return token


def look_until(url: str, token: str, status: str) -> Any:
    """Return the snapshot of a job in a state, which must come."""
    etag, seen = '"0"', {"status": "not yet asked"}
    for _ in range(20):
        headers = {"prefer": "wait=10", "if-none-match": etag}
        answer = httpx.get(f"{url}/v1/jobs/{token}", headers=headers, timeout=scaled(20))
        seen = answer.json() if answer.status_code == 200 else seen
        if seen["status"] == status:
            return seen
        etag = answer.headers["etag"]
    raise AssertionError(f"{token} is not {status}: {seen}")


def _rewritten(store: StoreProcess) -> bytes:
    """Return the commands that make the store anew."""
    with redis.Redis.from_url(store.url) as client:
        client.bgrewriteaof()
        fields = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
        until(lambda: not any(client.info("persistence")[field] for field in fields))
    (base,) = (store.folder / "appendonlydir").glob("*.base.aof")
    return base.read_bytes()


def _without_functions(base: bytes) -> bytes:
    """Take out the commands that load functions: the scripts are the business of each release."""
    kept = bytearray()
    for command, words in _commands(base):
        if words[0].upper() != b"FUNCTION":
            kept += command
    return bytes(kept)


def _commands(base: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield each command of an append-only file: its bytes, and its words."""
    place = 0
    while place < len(base):
        start, end = place, base.index(b"\r\n", place)
        count, place, words = int(base[place + 1 : end]), end + 2, []
        for _ in range(count):
            end = base.index(b"\r\n", place)
            length = int(base[place + 1 : end])
            words.append(base[end + 2 : end + 2 + length])
            place = end + 4 + length
        yield base[start:place], words


@contextmanager
def loaded_store(name: str) -> Iterator[tuple[StoreProcess, dict[str, str]]]:
    """Run a store on a kept file, with its times moved to now; with the tokens of its jobs by what they are."""
    kept = json.loads((FOLDER / f"{name}.json").read_text())
    store = StoreProcess()
    try:
        folder = store.folder / "appendonlydir"
        folder.mkdir()
        base = moved((FOLDER / f"{name}.aof").read_bytes(), kept["written_at"], int(time.time() * 1000))
        (folder / "appendonly.aof.1.base.aof").write_bytes(base)
        (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.base.aof seq 1 type b\n")
        yield store.start(), kept["tokens"]
    finally:
        store.close()


def moved(base: bytes, written_at: int, now: int) -> bytes:
    """Return the file with its times moved: numbers of milliseconds or microseconds, which keep their length."""

    def move(found: re.Match[bytes]) -> bytes:
        unit = 1 if len(found[0]) == MS_DIGITS else 1_000
        at = int(found[0])
        within = (written_at - BEFORE_MS) * unit <= at <= (written_at + AFTER_MS) * unit
        return str(at + (now - written_at) * unit).encode() if within else found[0]

    return re.sub(rb"(?<![0-9.])[12][0-9]{12}(?:[0-9]{3})?(?![0-9])", move, base)
