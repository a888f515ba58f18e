"""A store that an earlier release wrote is read, and worked off, by this checkout."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import redis

from compatibility.release import recorded
from compatibility.stored_jobs import FOLDER, KINDS, loaded_store, look_until, moved
from support.store import StoreProcess
from support.system import System
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until

"""Within which what is waited for must come, s, scaled."""

RELEASES = sorted(path.stem for path in FOLDER.glob("*.aof"))


class Upgraded(NamedTuple):
    """A store of an earlier release, with a server of this checkout, and later a worker."""

    store: StoreProcess
    system: System
    tokens: dict[str, str]
    notes: Path

    def look(self, what: str, status: str) -> Any:
        return look_until(self.system.server.url, self.tokens[what], status)

    def get(self, what: str, path: str = "") -> httpx.Response:
        return httpx.get(f"{self.system.server.url}/v1/jobs/{self.tokens[what]}{path}", timeout=scaled(15))

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return httpx.post(self.system.server.url + path, json=body, headers=headers, timeout=scaled(40))


@pytest.fixture(scope="module", params=RELEASES)
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    notes = tmp_path_factory.mktemp("notes") / "notes"
    notes.touch()
    with loaded_store(request.param) as (store, tokens):
        with redis.Redis.from_url(store.url) as client:
            for token in tokens.values():  # as a later release may write it
                client.hset(record_key(token), "later", "kept")
        system = System(store)
        try:
            system.add_server()
            yield Upgraded(store, system, tokens, notes)
        finally:
            system.close()


def test_a_store_of_the_release_before_is_among_them() -> None:
    """Else this file would say nothing."""
    assert recorded()["version"] in RELEASES


def record_key(token: str) -> str:
    """Return the key of a job's record."""
    queue, _, random = token.partition(".")
    return f"t:{{{queue}}}:job:{random}"


def test_there_is_a_store_of_an_earlier_release() -> None:
    assert RELEASES


def test_a_file_names_neither_machine_nor_path_nor_function() -> None:
    for name in RELEASES:
        text = (FOLDER / f"{name}.aof").read_bytes()
        assert len(text) < 100_000
        for place in (bytes(Path(__file__).parents[2]), b"/tmp/", b"/home/", b"/root/", b"#!lua"):
            assert place not in text


def test_the_server_shows_every_job_as_the_release_left_it(upgraded: Upgraded) -> None:
    states = {"told": "succeeded", "due": "scheduled"}
    for what in upgraded.tokens:
        assert upgraded.get(what).json()["status"] == states.get(what, what), what
    done = upgraded.get("succeeded").json()
    assert done["result"] == {"by": "before", "text": "kept"}
    assert (done["tags"], done["log"][0]["data"]) == (["order:7"], {"text": "kept"})
    assert upgraded.get("failed").json()["problem"]["detail"] == "not today"
    assert upgraded.get("waiting").json()["steps"][0]["name"] == "mark"
    assert {kind["kind"] for kind in upgraded.system.server.get("/v1/kinds")[1]["kinds"]} >= {"tell", "approve"}


def test_a_key_that_the_release_saw_is_the_same_key(upgraded: Upgraded) -> None:
    body = {"kind": "tell", "input": {"text": "kept"}}
    again = upgraded.post("/v1/jobs", body, **{"idempotency-key": "once"}).json()
    assert (again["duplicate"], again["token"]) == (True, upgraded.tokens["succeeded"])


def test_deliveries_and_dead_letters_are_there(upgraded: Upgraded) -> None:
    (delivery,) = upgraded.get("told", "/deliveries").json()["deliveries"]
    assert (delivery["event"], delivery["state"]) == ("succeeded", "waiting")
    listed = run_tidings("dead", "list", "--json", TIDINGS_STORE_URL=upgraded.store.url)
    assert upgraded.tokens["failed"] in listed.stdout, listed.stderr


def test_the_stream_of_an_ended_job_has_its_events(upgraded: Upgraded) -> None:
    text = upgraded.get("succeeded", "/events").text
    events = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert "log" in events or "snapshot" in events
    assert events[-1] == "succeeded"


@pytest.fixture(scope="module")
def working(upgraded: Upgraded) -> Upgraded:
    """The same once a worker of this checkout serves it."""
    environment = {"TIDINGS_X_RELEASE": "today", "TIDINGS_X_NOTES": str(upgraded.notes)}
    upgraded.system.add_worker(KINDS, TIDINGS_LEASE_S="3", TIDINGS_HEARTBEAT_S="1", **environment)
    return upgraded


@pytest.mark.parametrize("what", ["queued", "due"])
def test_the_worker_runs_what_waited(working: Upgraded, what: str) -> None:
    assert working.look(what, "succeeded")["result"] == {"by": "today", "text": what}


def test_the_worker_takes_over_what_the_killed_one_ran(working: Upgraded) -> None:
    job = working.look("running", "succeeded")
    assert (job["result"], job["attempt"]) == ("today", 2)


def test_the_worker_goes_on_with_a_saga_that_waits(working: Upgraded) -> None:
    assert working.post(f"/v1/jobs/{working.tokens['waiting']}/signals/go", "yes").status_code == 202
    assert working.look("waiting", "succeeded")["result"] == [
        ["before", "before"],
        "yes",
        ["today", "after"],
        {"by": "today", "text": "child"},
    ]


def test_the_group_gets_the_event_that_nobody_had_handled(working: Upgraded) -> None:
    expected = f"{working.tokens['cancelled']} today\n"
    until(lambda: working.notes.read_text() == expected)


def test_a_job_that_is_not_due_waits_on_and_can_be_cancelled(working: Upgraded) -> None:
    assert working.get("scheduled").json()["status"] == "scheduled"
    url = f"{working.system.server.url}/v1/jobs/{working.tokens['scheduled']}"
    assert httpx.delete(url, timeout=scaled(15)).status_code == 202
    working.look("scheduled", "cancelled")


def test_a_dead_letter_is_replayed(working: Upgraded) -> None:
    letter = working.get("failed").json()
    replayed = run_tidings("dead", "replay", working.tokens["failed"], "--yes", TIDINGS_STORE_URL=working.store.url)
    assert replayed.returncode == 0, replayed.stderr
    until(lambda: working.get("failed").json()["seq"] > letter["seq"])
    job = working.look("failed", "failed")
    assert (job["problem"]["detail"], job["milestones"] == letter["milestones"]) == ("not today", False)


def test_a_field_that_this_checkout_does_not_know_stays_in_the_record(working: Upgraded) -> None:
    with redis.Redis.from_url(working.store.url) as client:
        kept = {what: client.hget(record_key(token), "later") for what, token in working.tokens.items()}
    assert kept == dict.fromkeys(working.tokens, b"kept")


def test_times_are_moved_and_nothing_else() -> None:
    base = b"1796035668975 1796035668975123 1796035668975-0 17960356689750 0.1796035668975 1096035668975"
    assert moved(base, 1_796_035_668_000, 1_796_035_669_000) == (
        b"1796035669975 1796035669975123 1796035669975-0 17960356689750 0.1796035668975 1096035668975"
    )
