"""Many jobs in one request."""

import json

import httpx
import pytest

from support.system import System, running_system, system_fixture
from support.timeouts import scaled

system = system_fixture(TIDINGS_MAX_BATCH="300", TIDINGS_MAX_BATCH_BYTES="100000")


def post(system: System, body: str | bytes) -> httpx.Response:
    return httpx.post(f"{system.server.url}/v1/jobs/batch", content=body, timeout=scaled(15))


def echo(text: str, **fields: object) -> dict[str, object]:
    return {"kind": "echo", "input": {"text": text}, **fields}


@pytest.mark.parametrize("form", ["array", "lines"])
def test_every_job_of_a_batch_is_acked_in_order_and_done(system: System, form: str) -> None:
    jobs = [echo(str(number)) for number in range(300)]
    body = json.dumps(jobs) if form == "array" else "\n".join(map(json.dumps, jobs)) + "\n"
    answer = post(system, body)
    assert answer.status_code == 202
    acks = answer.json()
    assert len({ack["token"] for ack in acks}) == 300
    for number in (0, 150, 299):
        token = acks[number]["token"]
        snapshot = httpx.get(
            f"{system.server.url}/v1/jobs/{token}",
            headers={"prefer": "wait=10", "if-none-match": '"1"'},
            timeout=scaled(15),
        ).json()
        while snapshot["status"] != "succeeded":
            seen = {"prefer": "wait=10", "if-none-match": f'"{snapshot["seq"]}"'}
            snapshot = httpx.get(f"{system.server.url}/v1/jobs/{token}", headers=seen, timeout=scaled(15)).json()
        assert snapshot["result"] == str(number)


def test_what_is_wrong_with_one_job_is_no_other_s_fault(system: System) -> None:
    jobs = [echo("a"), {"kind": "nothing", "input": {}}, {"kind": "echo"}, echo("b", key="k"), echo("b", key="k")]
    first, unknown, incomplete, keyed, again = post(system, json.dumps(jobs)).json()
    assert first["status"] == "queued"
    assert unknown["code"] == "unknown_kind"
    assert (incomplete["code"], incomplete["field"]) == ("invalid_frame", "/input")
    assert again["token"] == keyed["token"]
    assert again["duplicate"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("", 400, "0 jobs"),
        ("[]", 400, "0 jobs"),
        ("[1, {", 400, "not a JSON array"),
        ("\n".join(["{}"] * 301), 400, "301 jobs"),
        ("[" + " " * 100_000 + "]", 413, "100002 bytes"),
    ],
)
def test_what_is_no_batch_is_refused_whole(system: System, body: str, status: int, says: str) -> None:
    answer = post(system, body)
    assert answer.status_code == status
    assert says in answer.json()["detail"]


def test_a_job_of_a_batch_that_is_larger_than_a_request_may_be_is_refused_alone() -> None:
    with running_system(TIDINGS_MAX_FRAME_BYTES="2000") as system:
        refused, acked = post(system, json.dumps([echo("a" * 2_000), echo("a")])).json()
    assert (refused["code"], refused["limit"]) == ("too_large", 2_000)
    assert acked["token"]


def test_a_line_that_is_no_json_is_a_problem_of_its_own(system: System) -> None:
    acked, refused = post(system, json.dumps(echo("a")) + "\n{nonsense").json()
    assert acked["token"]
    assert refused["code"] == "invalid_frame"
