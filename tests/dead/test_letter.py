"""What a dead letter holds, and how letters are found."""

import msgspec
import pytest

from dead.world import World, failure, retry
from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.store.admin.dead_letters import READ_AT_ONCE, DeadLetterFilter
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes


async def test_a_letter_holds_input_problem_traceback_history_and_milestones(world: World) -> None:
    token = await world.submit(owner="ann", correlation_id="corr")
    await world.end(await world.start(), retry())
    await world.first.promote()
    await world.end(await world.start(world.second), failure("attempts_exhausted"), world.second)
    letter = await world.letter(token)
    assert (letter.token, letter.kind, letter.version, letter.queue) == (str(token), "k", 2, "p")
    assert (letter.tier, letter.attempt, letter.owner, letter.correlation_id) == ("standard", 2, "ann", "corr")
    assert bytes(letter.input) == b'{"n":1}'
    assert (letter.code, letter.detail) == ("attempts_exhausted", "told as attempts_exhausted")
    assert letter.error == "Reject: the reason"
    assert "raise Reject" in letter.traceback
    past = [(one.attempt, one.worker, one.event, one.problem and one.problem.code) for one in letter.history]
    assert past == [(1, "w1", "retrying", "handler_error"), (2, "w2", "failed", "attempts_exhausted")]
    assert list(letter.milestones) == ["submitted", "enqueued", "dequeued", "started", "finished"]
    assert letter.milestones["submitted"] <= letter.history[0].at <= letter.history[1].at <= letter.died


async def test_a_job_taken_over_from_a_lost_worker_remembers_it(world: World) -> None:
    token = await world.submit()
    await world.start()
    entries = await world.second.take_over("standard", 0, 1)
    (started,) = await world.second.start(entries)
    lost = outcomes.failed(problem("worker_lost", "the workers that ran this were lost"))
    await world.end((entries[0], started), lost, world.second)
    letter = await world.letter(token)
    assert [(one.attempt, one.worker, one.event) for one in letter.history] == [(1, "w1", "lost"), (2, "w2", "failed")]
    assert letter.history[0].problem is None
    assert (letter.code, letter.traceback) == ("worker_lost", "")


async def test_success_and_what_does_not_count_leave_no_history(world: World) -> None:
    token = await world.submit()
    await world.end(await world.start(), outcomes.handed_back())
    await world.end(await world.start(), outcomes.not_served("k", 1))
    entries = await world.first.take_unserved(["standard"], {"k": (1, 1)}, 1)
    (started,) = await world.first.start(entries)
    await world.end((entries[0], started), outcomes.succeeded(b"1"))
    assert b"history" not in await world.hash(token)
    assert [letter async for letter in world.dead.scan()] == []


async def test_the_history_is_bounded_and_keeps_the_newest(world: World) -> None:
    token = await world.submit()
    detail = "x" * 10_000
    for number in range(8):
        value = msgspec.json.encode(problem("handler_error", f"{number} {detail}")).decode()
        await world.end(await world.start(), AttemptOutcome(State.SCHEDULED, "problem", value, "retrying"))
        await world.first.promote()
    await world.end(await world.start(), failure())
    history = (await world.letter(token)).history
    assert [one.attempt for one in history] == [6, 7, 8, 9]  # 3 · 10 kB and a short one
    assert len((await world.hash(token))[b"history"]) <= 32_768


async def test_a_problem_too_long_for_the_history_is_left_out_of_it(world: World) -> None:
    token = await world.submit()
    value = msgspec.json.encode(problem("handler_error", "x" * 100_000)).decode()
    await world.end(await world.start(), AttemptOutcome(State.FAILED, "problem", value))
    letter = await world.letter(token)
    assert letter.history[0].problem is None
    assert len(letter.detail) == 100_000


async def test_a_letter_is_found_by_its_record_and_without_it(world: World) -> None:
    tokens = [await world.die() for _ in range(3)]
    assert (await world.hash(tokens[1]))[b"letter"].decode() == (await world.letter(tokens[1])).entry
    await world.expire(tokens[1])
    found = await world.dead.find(*(token.id for token in tokens), "a" * 22)
    assert sorted(found) == sorted(token.id for token in tokens)


async def test_a_job_with_a_record_and_no_letter_is_not_searched_for(world: World) -> None:
    token = await world.submit()
    assert await world.dead.find(token.id) == {}


async def test_letters_are_selected_by_kind_code_and_age(world: World) -> None:
    tokens = [await world.die(kind, code) for kind, code in (("a", "rejected"), ("b", "rejected"), ("a", "timeout"))]

    async def selected(**fields: object) -> list[int]:
        found = [letter async for letter in world.dead.scan(DeadLetterFilter(**fields))]  # type: ignore[arg-type]
        return [next(i for i, token in enumerate(tokens) if str(token) == letter.token) for letter in found]

    assert await selected() == [0, 1, 2]
    assert await selected(kind="a") == [0, 2]
    assert await selected(code="rejected") == [0, 1]
    assert await selected(kind="a", code="timeout") == [2]
    assert await selected(older_than_s=3600) == []
    assert await selected(newer_than_s=3600) == [0, 1, 2]
    assert await selected(older_than_s=0) == [0, 1, 2]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_scan_reads_page_after_page_and_each_letter_once(world: World, newest_first: bool) -> None:
    count = 2 * READ_AT_ONCE + 1
    for number in range(count):
        fields = ("id", f"{number:022}", "env", '["k",{}]', "note", "", "kind", "k")
        await command(world.store, "XADD", StoreKeys().dead("p"), "*", *fields)
    found = [int(letter.token[2:]) async for letter in world.dead.scan(newest_first=newest_first)]
    assert found == sorted(range(count), reverse=newest_first)
    pages: list[list[int]] = []
    before = ""
    while not pages or before:
        page = await world.dead.page(before=before, most=40)
        pages.append([int(letter.token[2:]) for letter in page.letters])
        before = page.next
    assert [number for page in pages for number in page] == sorted(range(count), reverse=True)
    assert [len(page) for page in pages] == [40, 40, 21]


async def test_what_dies_while_a_scan_goes_on_is_left_out(world: World) -> None:
    await world.die()
    found = 0
    async for _ in world.dead.scan():
        await world.die()
        found += 1
    assert found == 1


async def test_a_letter_that_cannot_be_read_is_still_listed(world: World) -> None:
    await command(world.store, "XADD", StoreKeys().dead("p"), "*", "id", "a" * 22, "env", "?", "note", "", "kind", "k")
    (letter,) = [letter async for letter in world.dead.scan()]
    assert (letter.kind, bytes(letter.input), letter.problem) == ("k", b"null", None)
