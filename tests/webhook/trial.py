"""A trial of deliveries: receivers that fail in every way, and a nemesis that kills worker, server and store.

    python -m webhook.trial --seconds 600 --seed 1 [--appendfsync everysec]

Jobs are submitted all the time. At the end every job that was acknowledged must have been told to its receiver at least
once, signed, under one id, with one body, and taken there. With `everysec` the store may undo the end of a job when it
is killed while it syncs: the job then ends again, and its receiver gets another body under the same id.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from support.store import running_store
from support.system import System
from support.timeouts import scaled
from support.waiting import until
from tidings.webhook import WebhookVerificationError, new_secret, verify
from webhook.receiver import Answer, Plan, Received, Receiver

KINDS = str(Path(__file__).with_name("webhook_kinds.py"))
SECRET = new_secret()
SETTINGS = {
    "TIDINGS_LEASE_S": "1",
    "TIDINGS_HEARTBEAT_S": "0.2",
    "TIDINGS_WEBHOOKS": "true",
    "TIDINGS_WEBHOOK_SECRETS": SECRET,
    "TIDINGS_WEBHOOK_HTTP": "true",
    "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1",
    "TIDINGS_WEBHOOK_TIMEOUT_S": "1",
    "TIDINGS_WEBHOOK_BACKOFF_S": ",".join(["0.2"] * 20),
}
"""A delivery is tried 21 times, so that none is given up."""

WORKERS = 2


class Told(NamedTuple):
    """One request that a receiver got."""

    receiver: str
    token: str
    id: str
    body: bytes
    signed: bool
    taken: bool
    """Whether it was answered by a 2xx."""


def faults(acknowledged: Iterable[tuple[str, str]], told: Iterable[Told]) -> list[str]:
    """Return what is wrong with a history. Pure.

    Args:
        acknowledged: token and receiver of each job that was acknowledged.
        told: what the receivers got.

    """
    found = []
    of_jobs: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        of_jobs[one.token].append(one)
        if not one.signed:
            found.append(f"{one.id} at {one.receiver} is not signed")
    for token, receiver in acknowledged:
        got = of_jobs[token]
        if not any(one.taken and one.receiver == receiver for one in got):
            found.append(f"{token}: {receiver} has not taken a delivery; it got {len(got)}")
        if len({one.id for one in got}) > 1:
            found.append(f"{token} has several ids")
        if len({one.body for one in got}) > 1:
            found.append(f"{token} has several bodies: {sorted({one.body for one in got})}")
        if any(one.receiver != receiver for one in got):
            found.append(f"{token} went to a receiver that did not ask")
    return found


class FaultyReceivers:
    """Receivers that fail in different ways, and what they got."""

    def __init__(self, seed: int) -> None:
        self.told: list[Told] = []
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._tries: defaultdict[str, int] = defaultdict(int)
        ways: dict[str, Callable[[int], Answer]] = {
            "sound": lambda _: Answer(),
            "half": lambda _: Answer(500 if self._random.random() < 0.5 else 200),
            "hangs": lambda tries: Answer(200, hang_s=3.0 if tries % 2 else 0.0),
            "cuts": lambda tries: Answer(200, cut=tries % 2 == 1),
        }
        self.receivers = {name: Receiver(self._plan(name, way)) for name, way in ways.items()}

    def _plan(self, name: str, way: Callable[[int], Answer]) -> Plan:
        def answer(one: Received) -> Answer:
            with self._lock:
                self._tries[one.id] += 1
                said = way(self._tries[one.id])
                try:
                    signed = bool(verify(one.headers, one.body, SECRET, tolerance_s=60))
                except WebhookVerificationError:
                    signed = False
                taken = 200 <= said.status < 300 and not said.cut and not said.hang_s
                self.told.append(Told(name, one.message["data"]["token"], one.id, one.body, signed, taken))
            return said

        return answer

    def taken(self) -> int:
        """Return to how many jobs' deliveries a receiver has answered by a 2xx."""
        with self._lock:
            return len({one.token for one in self.told if one.taken})

    def close(self) -> None:
        for receiver in self.receivers.values():
            receiver.close()


class Load:
    """Submits jobs, each again until it is acknowledged, from a thread."""

    def __init__(self, system: System, receivers: FaultyReceivers, pause_s: float) -> None:
        self.acknowledged: list[tuple[str, str]] = []
        self._url = system.server.url + "/v1/jobs"  # a server that is started again has the same port
        self._receivers = receivers
        self._pause_s = pause_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        names = sorted(self._receivers.receivers)
        number = 0
        while not self._over.is_set():
            name = names[number % len(names)]
            token = self._submit(number, self._receivers.receivers[name].url)
            if token:
                self.acknowledged.append((token, name))
                number += 1
            self._over.wait(self._pause_s)

    def _submit(self, number: int, url: str) -> str:
        key = f"load-{number}"
        body = {"kind": "work", "input": {"text": key}, "key": key, "webhook": {"url": url}}
        request = urllib.request.Request(self._url, json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return str(json.load(answer)["token"])
        except (OSError, http.client.HTTPException, ValueError):
            return ""

    def stop(self) -> None:
        assert self._thread.is_alive(), "the load ended before the trial"
        self._over.set()
        self._thread.join(scaled(20))


def restart_worker(system: System, number: int) -> None:
    """Kill a worker, and start another in its place."""
    worker = system.workers[number]
    worker.process.kill()
    worker.wait()
    system.workers[number] = system.add_worker(KINDS, **SETTINGS)
    system.workers.pop()


def restart_server(system: System) -> None:
    """Kill the server, and start another at the same port."""
    server = system.servers.pop()
    server.process.kill()
    server.wait()
    system.add_server(TIDINGS_PORT=str(server.port), **SETTINGS)


def restart_store(system: System) -> None:
    """Kill the store, and start it on the same data."""
    system.store.kill()
    time.sleep(0.1)
    system.store.start()


def run_trial(
    seconds: float, seed: int, say: Callable[[str], None] = lambda _: None, appendfsync: str = "always"
) -> list[str]:
    """Run a trial and return what is wrong; say: gets a line for each kill; appendfsync: of the store."""
    chance = random.Random(seed)
    receivers = FaultyReceivers(seed)
    # What the store has acknowledged must be there when it is started again.
    with running_store("--appendfsync", appendfsync) as store:
        system = System(store)
        try:
            for _ in range(WORKERS):
                system.add_worker(KINDS, **SETTINGS)
            system.add_server(**SETTINGS)
            load = Load(system, receivers, 0.02 if seconds < 60 else 0.05)
            kills: list[Callable[[], None]] = [
                lambda: restart_worker(system, chance.randrange(WORKERS)),
                lambda: restart_server(system),
                lambda: restart_store(system),
            ]
            end = time.monotonic() + seconds
            chosen = 0
            while time.monotonic() < end:
                time.sleep(chance.uniform(0.3, 0.8) if seconds < 60 else chance.uniform(1, 6))
                say(f"kill {('worker', 'server', 'store')[chosen % 3]}; {len(load.acknowledged)} acknowledged")
                kills[chosen % 3]()
                chosen += 1
            load.stop()
            with suppress(AssertionError):  # `faults` says what is missing
                until(lambda: receivers.taken() >= len(load.acknowledged), seconds=60)
            say(f"{len(load.acknowledged)} jobs acknowledged, {len(receivers.told)} requests received, {chosen} kills")
            assert load.acknowledged
            return faults(load.acknowledged, receivers.told)
        finally:
            system.close()
            receivers.close()


def main() -> int:
    """Run one trial as the command line asks; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--appendfsync", choices=("always", "everysec"), default="always")
    wish = arguments.parse_args()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
        sys.stdout.flush()

    found = run_trial(wish.seconds, wish.seed, say, wish.appendfsync)
    for line in found[:50]:
        say(line)
    say("every delivery arrived" if not found else f"{len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
