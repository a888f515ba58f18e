"""Handlers that write streams, run by the worker's own attempt: what they write, and what their mistakes get."""

from pathlib import Path
from typing import Any, assert_type

import msgspec
import pytest

from support import stream_kinds as kinds
from support.stream_kinds import WORDS
from tidings import Job, Retry, StreamError, StreamFullError
from tidings.protocol.kinds.kind_record import encode_kind
from tidings.testing import run

SAID = "".join(WORDS)


@pytest.mark.parametrize("job", [kinds.words, kinds.words_in_thread, kinds.words_in_process])
async def test_what_a_generator_yields_is_its_stream_and_joined_its_result(job: Job[Any, Any]) -> None:
    ran = await run(job)
    assert (ran.result, ran.streams) == (SAID, {"main": list(WORDS)})
    assert (await run(job, count=0)).result == ""


async def test_the_result_of_a_generator_of_anything_but_text_is_the_list() -> None:
    ran = await run(kinds.numbers, count=3)
    assert (ran.result, ran.streams) == ([0, 1, 2], {"main": [0, 1, 2]})
    assert (await run(kinds.numbers, count=0)).result == []


async def test_a_generator_may_end_with_another_result() -> None:
    ran = await run(kinds.with_result, count=2)
    assert_type(ran.result, dict[str, int])
    assert (ran.result, ran.streams) == ({"words": 2}, {"main": ["To ", "be, "]})


@pytest.mark.parametrize(
    ("job", "schema"),
    [
        (kinds.words, {"type": "string"}),
        (kinds.words_in_thread, {"type": "string"}),
        (kinds.numbers, {"type": "integer"}),
        (kinds.with_result, {"type": "string"}),
        (kinds.several, None),
    ],
)
def test_a_kind_says_what_its_generator_yields(job: Job[Any, Any], schema: Any) -> None:
    chunk = job.record().chunk
    assert (None if isinstance(chunk, msgspec.UnsetType) else msgspec.json.decode(chunk)) == schema
    assert (b'"chunk"' in encode_kind(job.record())) is (schema is not None), "other kinds are written as before"


async def test_a_handler_writes_several_streams_by_name() -> None:
    ran = await run(kinds.several)
    assert ran.streams == {"tokens": list(WORDS), "thoughts": [{"about": word} for word in WORDS]}


async def test_dependencies_of_a_generator_live_as_long_as_it_runs() -> None:
    assert (await run(kinds.depending)).streams == {"main": ["open", "open"]}


@pytest.mark.parametrize("job", [kinds.fails_once, kinds.fails_once_in_process])
async def test_an_attempt_goes_on_behind_what_it_keeps_of_the_earlier_one(job: Job[Any, Any]) -> None:
    first = await run(job)
    assert (first.status, first.streams) == ("scheduled", {"main": list(WORDS[:3])})
    assert first.error is None or isinstance(first.error, Retry)
    second = await run(job, {"keep": 2}, attempt=first)
    assert (second.result, second.streams) == (SAID, {"main": list(WORDS)})


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("object", "chunk 1 of the stream 'main': this has no form in JSON"),
        ("large", "17825794 bytes as JSON; at most 65000 are allowed"),
        ("nan", "nan"),
    ],
)
async def test_a_chunk_that_cannot_be_written_fails_the_job_for_good_and_loses_nothing(what: str, says: str) -> None:
    ran = await run(kinds.yields_nonsense, what=what)
    assert ran.status == "failed"
    assert ran.problem is not None
    assert ran.problem.code == "handler_error"
    assert ran.problem.detail.startswith("what the handler yields: ")
    assert says in ran.problem.detail
    assert ran.streams == {"main": ["good"]}


async def test_a_handler_that_fills_its_streams_gets_an_error_that_it_may_handle() -> None:
    ran = await run(kinds.yields_too_much)
    assert_type(ran.result, int)
    assert ran.result == 16_777_216 // 60_004
    assert len(ran.streams["main"]) == ran.result


@pytest.mark.parametrize(
    ("job", "given", "error", "says"),
    [
        (kinds.two_writers, {}, StreamError, "another task or thread writes the stream 'shared'"),
        (kinds.keeps_too_much, {}, StreamError, r"keep\(1\).*said 0 chunks; keep 0 to 0"),
        (kinds.named, {"name": "a/b"}, ValueError, "1 to 64 letters"),
        (kinds.named, {"name": ""}, ValueError, "1 to 64 letters"),
        (kinds.named, {"name": "x" * 65}, ValueError, "1 to 64 letters"),
        (kinds.named, {"name": "a\n"}, ValueError, "1 to 64 letters"),
        (kinds.writes_beside, {}, StreamError, "what the generator yields is written to the stream 'main'"),
        (kinds.keeps_late, {}, StreamError, r"keep\(\) comes before the first chunk"),
        (kinds.keeps_unasked, {}, StreamError, r"ask what there is by earlier\(\) before"),
        (kinds.opens_many, {}, ValueError, "at most 32 streams"),
        (kinds.streams_and_steps, {}, Exception, "writes streams or takes steps, not both"),
        (kinds.steps_and_streams, {}, Exception, "writes streams or takes steps, not both"),
        (kinds.fills_by_writing, {}, StreamFullError, "16777216 are kept"),
    ],
)
async def test_each_mistake_with_a_stream_gets_one_clear_error(
    job: Job[Any, Any], given: dict[str, Any], error: type[Exception], says: str
) -> None:
    ran = await run(job, **given)
    found = ran.error
    while isinstance(found, BaseExceptionGroup):
        (found,) = found.exceptions
    assert isinstance(found, error)
    assert pytest.raises(error, match=says).matches(found), str(found)


async def test_a_generator_that_yields_after_its_result_fails() -> None:
    ran = await run(kinds.yields_after_result)
    assert ran.problem is not None
    assert ran.problem.detail == "what the handler yields: a generator yields nothing after Result(…)"


async def test_a_generator_that_yields_another_type_than_its_hint_says_fails() -> None:
    ran = await run(kinds.lies)
    assert ran.problem is not None
    assert ran.problem.detail.endswith("its hint says that it yields str, and chunk 1 is int")


async def test_a_result_that_is_joined_of_too_much_says_what_to_do() -> None:
    ran = await run(kinds.long_text)
    assert ran.problem is not None
    assert (ran.problem.code, ran.problem.limit) == ("result_too_large", 1_048_576)
    assert "end the generator with `yield Result(…)`" in ran.problem.detail


async def test_a_task_that_a_handler_leaves_behind_writes_no_more() -> None:
    ran = await run(kinds.leaves_a_writer)
    assert (ran.result, ran.streams) == ("done", {"a": ["before"]})
    late = await kinds.late
    assert isinstance(late, StreamError)
    assert "has ended with its attempt" in str(late)


async def test_one_task_after_the_other_may_write_a_stream() -> None:
    assert (await run(kinds.writers_in_turn)).streams == {"a": ["first", "second", "third"]}


async def test_a_generator_cleans_up_when_it_is_stopped(tmp_path: Path) -> None:
    ran = await run(kinds.stops_in_time, path=str(tmp_path / "clean"))
    assert ran.status in ("scheduled", "failed")
    assert (tmp_path / "clean").read_text() == "clean"


async def test_type_checkers_know_the_result_of_a_generator_of_text() -> None:
    assert_type((await run(kinds.words, count=1)).result, str)
    assert_type((await run(kinds.words_in_thread, count=1)).result, str)
    assert_type((await run(kinds.fails_once, attempt=2)).status, str)
