"""Sagas that undo what they have done: after a failure, a wish, a deadline; and what happens when that fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from saga.desk import Desk
from support.peer import Peer
from tidings.protocol.states import TERMINAL
from tidings.protocol.tokens import split_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.jobs.job_store import JobRecord
from tidings.store.keys import StoreKeys


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def letters(desk: Desk) -> DeadLetters:
    return DeadLetters(desk.store, StoreKeys(), "orders")


async def letter_of(desk: Desk, token: str) -> Any:
    job = split_token(token).id
    return (await letters(desk).find(job)).get(job)


async def replay(client: Peer, desk: Desk, token: str) -> JobRecord:
    """Replay a letter, and return what the job is when it has ended again."""
    letter = await letter_of(desk, token)
    assert await letters(desk).replay([letter.entry]) == ["queued"]
    if (await client.ask("watch", token=token))["status"] not in TERMINAL:
        await client.until(token)
    return await desk.record(token)


async def test_a_saga_that_fails_undoes_its_steps_the_last_first(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "p"
    ack = await client.submit("order", {"path": str(path), "fail": True})
    events = await client.until(ack["token"])
    problem = events[-1]["data"]["problem"]
    assert (problem["code"], problem["detail"], problem["compensation"]) == (
        "rejected", "changed our mind", "complete",
    )  # fmt: skip
    assert lines(path) == ["reserve book", "charge 5", "refund 5 known", "release book known"]
    assert await desk.statuses(ack["token"]) == [("1", "reserve", "compensated"), ("2", "charge", "compensated")]
    seen = [(event["data"]["path"], event["data"]["status"]) for event in events if event["event"] == "step"]
    assert seen[-4:] == [("2", "compensating"), ("2", "compensated"), ("1", "compensating"), ("1", "compensated")]
    letter = await letter_of(desk, ack["token"])
    assert letter.problem.compensation == "complete"


async def test_a_step_that_failed_by_its_own_word_is_not_undone(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "p"
    ack = await client.submit("order", {"path": str(path), "amount": -1})
    problem = (await client.until(ack["token"]))[-1]["data"]["problem"]
    assert (problem["code"], problem["compensation"]) == ("rejected", "complete")
    assert problem["errors"][0]["path"] == "2"
    assert lines(path) == ["reserve book", "release book known"]


async def test_a_saga_that_waits_is_cancelled_and_undone(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "p"
    ack = await client.submit("hold_and_wait", {"path": str(path)})
    while (await desk.record(ack["token"])).state != "waiting" or len(await desk.steps(ack["token"])) < 3:
        await client.until(ack["token"], "waiting")
    assert await desk.cancel(ack["token"]) == "asked"
    end = (await client.until(ack["token"]))[-1]
    assert (end["event"], end["data"]["problem"]["code"]) == ("failed", "cancelled")
    assert end["data"]["problem"]["compensation"] == "complete"
    assert lines(path) == ["reserve room", "charge 1", "refund 1 known", "release room known"]
    assert await letter_of(desk, ack["token"]) is None


async def test_a_saga_whose_deadline_passes_is_undone(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "p"
    ack = await client.submit("hold_and_wait", {"path": str(path)}, deadline=1.5)
    end = (await client.until(ack["token"]))[-1]
    assert (end["event"], end["data"]["problem"]["code"]) == ("failed", "expired")
    assert lines(path)[-2:] == ["refund 1 known", "release room known"]
    assert await letter_of(desk, ack["token"]) is None


async def test_a_saga_without_anything_to_undo_ends_as_any_job(client: Peer, desk: Desk) -> None:
    ack = await client.submit("approve")
    await client.until(ack["token"], "waiting")
    assert await desk.cancel(ack["token"]) == "cancelled"
    assert (await client.until(ack["token"]))[-1]["event"] == "cancelled"


async def test_a_child_that_runs_is_stopped_and_undone_if_it_may_have_begun(
    client: Peer, desk: Desk, tmp_path: Path
) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    ack = await client.submit("calls_slow", {"path": str(path), "go": str(go), "undo": "refund_late"})
    token = ack["token"]
    await client.until(token, "waiting")
    child = (await desk.steps(token))[1].child
    assert child is not None
    await client.ask("watch", token=child)
    while (await desk.record(child)).state != "running":
        await client.until(child, "started")
    await desk.cancel(token)
    problem = (await client.until(token))[-1]["data"]["problem"]
    assert (problem["code"], problem["compensation"]) == ("cancelled", "complete")
    assert (await desk.record(child)).state == "cancelled"
    assert [line for line in lines(path) if line != "begun"] == [
        "reserve before", "refund late None", "release before known",
    ]  # fmt: skip


async def test_a_step_that_is_cut_off_is_undone_without_a_result(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    ack = await client.submit("long_step", {"path": str(path), "go": str(go)})
    while (await client.until(ack["token"], "step"))[-1]["data"]["path"] != "2":
        pass
    await desk.cancel(ack["token"])
    assert (await client.until(ack["token"]))[-1]["data"]["problem"]["compensation"] == "complete"
    assert [line for line in lines(path) if line != "cut_off begins"] == [
        "reserve x", "undone None", "release x known",
    ]  # fmt: skip


async def test_what_cannot_be_undone_is_left_to_an_operator(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path, mended = tmp_path / "p", tmp_path / "mended"
    ack = await client.submit("half_undone", {"path": str(path), "mended": str(mended)})
    token = ack["token"]
    problem = (await client.until(token))[-1]["data"]["problem"]
    assert (problem["code"], problem["compensation"]) == ("rejected", "incomplete")
    assert problem["errors"][0]["path"] == "2"
    before = ["reserve first", "done", "reserve third", "release third known", "tried to refund", "tried to refund"]
    assert lines(path) == before
    assert [status for *_, status in await desk.statuses(token)] == [
        "succeeded", "compensation_failed", "compensated",
    ]  # fmt: skip
    # Once it is mended, the replay of its letter goes on with just that, and what follows.
    mended.touch()
    problem = json.loads((await replay(client, desk, token)).problem)
    assert (problem["code"], problem["compensation"]) == ("rejected", "complete")
    assert lines(path) == [*before, "tried to refund", "refunded at last", "release first known"]


async def test_the_replay_of_a_saga_that_is_undone_begins_afresh(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path, mended = tmp_path / "p", tmp_path / "mended"
    ack = await client.submit("fails_until", {"path": str(path), "mended": str(mended)})
    token = ack["token"]
    assert (await client.until(token))[-1]["data"]["problem"]["compensation"] == "complete"
    mended.touch()
    record = await replay(client, desk, token)
    assert (record.state, record.result) == ("succeeded", f'"{token}/2~1"')
    assert lines(path) == ["reserve it", "release it known", "reserve it"]


async def test_the_replay_of_a_saga_that_owed_nothing_tries_its_failed_step_again(
    client: Peer, desk: Desk, tmp_path: Path
) -> None:
    path, mended = tmp_path / "p", tmp_path / "mended"
    ack = await client.submit("calls_after", {"path": str(path), "mended": str(mended)})
    token = ack["token"]
    end = (await client.until(token))[-1]
    assert "compensation" not in end["data"]["problem"]
    mended.touch()
    assert (await replay(client, desk, token)).state == "succeeded"
    assert lines(path) == ["reserve once", "tried to refund", "tried to refund", "tried to refund", "refunded at last"]


@pytest.mark.parametrize("gone", [False, True])
async def test_a_letter_holds_the_whole_journal(client: Peer, desk: Desk, tmp_path: Path, gone: bool) -> None:
    path, mended = tmp_path / "p", tmp_path / "mended"
    ack = await client.submit("calls_after", {"path": str(path), "mended": str(mended)})
    token, job = ack["token"], split_token(ack["token"]).id
    await client.until(token)
    mended.touch()
    letter = await letter_of(desk, token)
    if gone:
        await desk.store.delete(StoreKeys().job("orders", job), StoreKeys().steps("orders", job))
        assert await letters(desk).replay([letter.entry]) == ["queued"]
        if (await client.ask("watch", token=token))["status"] not in TERMINAL:
            await client.until(token)
    else:
        assert 0 < await desk.store.pttl(StoreKeys().steps("orders", job)) <= 86_400_000
        await replay(client, desk, token)
    assert (await desk.record(token)).state == "succeeded"
    assert lines(path).count("reserve once") == 1
    assert await desk.store.pttl(StoreKeys().steps("orders", job)) > 0
