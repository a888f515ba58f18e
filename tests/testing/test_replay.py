"""Recorded sagas against other code: which does not fit, and nothing is done again."""

import asyncio
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testing import recorded_jobs as jobs
from tidings import Context, Job, job
from tidings.protocol.steps import StepHead, StepStatus, StepType, encode_head
from tidings.saga.recorded_saga import RecordedSaga, RecordingError, end_line, head_line, read_recorded, saga_line
from tidings.testing import ReplayVerdict, TestingError, replay

TOKEN = "default." + "x" * 22


def a_step(name: str, **fields: Any) -> str:
    head = {"status": StepStatus.SUCCEEDED, "name": name, "type": StepType.STEP, "ok": True, **fields}
    return str(encode_head(StepHead(**head)), "utf-8")


SAGA = RecordedSaga(
    token=TOKEN,
    kind="deliver",
    input=msgspec.Raw(b'{"item":"tea"}'),
    steps={
        "1": a_step("reserve", undo="release", owes=1),
        "1:in": '["tea"]',
        "1:out": '"hold of tea"',
        "2.1.1": a_step("ship"),
        "2.1.1:out": '"parcel"',
        "2.2.1": a_step("paid", type=StepType.SIGNAL, status=StepStatus.RUNNING, ok=None),
    },
    memos={"look": '"seen"', "patched:new way": "true"},
)


@pytest.fixture(autouse=True)
def nothing_is_done() -> Any:
    jobs.CALLED.clear()
    yield
    assert jobs.CALLED == [], "a replay does nothing again"


async def verdict(job: Job[Any, Any], saga: RecordedSaga = SAGA, **options: Any) -> tuple[ReplayVerdict, str, str]:
    (one,) = await replay([saga], job, **options)
    assert (one.token, one.kind, one.version) == (saga.token, saga.kind, saga.version)
    return one.verdict, one.path, one.detail


@pytest.mark.parametrize("job", [jobs.recorded, jobs.extended, jobs.brought_up])
async def test_code_that_takes_the_recorded_steps_fits(job: Job[Any, Any]) -> None:
    assert await verdict(job) == (ReplayVerdict.FITS, "", "")


async def test_what_was_not_recorded_once_is_not_done_now() -> None:
    paid = a_step("paid", type=StepType.SIGNAL, number=1)
    further = msgspec.structs.replace(SAGA, steps={**SAGA.steps, "2.2.1": paid, "2.2.1:out": "true"})
    assert await verdict(jobs.unrecorded_once, further) == (ReplayVerdict.FITS, "", "")
    # Before a recorded step nothing can be said of what would come of it.
    found, path, detail = await verdict(jobs.once_before)
    assert (found, path) == (ReplayVerdict.FAILED, "2.1.1")
    assert "comes to ctx.once('again'), of which nothing is recorded, before step 2.1.1 (ship)" in detail


async def test_another_step_at_a_place_does_not_fit() -> None:
    found, path, detail = await verdict(jobs.renamed)
    assert (found, path) == (ReplayVerdict.DIVERGED, "1")
    assert "step 1 is step 'reserve' in the journal, but the code asked for step 'ship'" in detail


@pytest.mark.parametrize(("job", "how"), [(jobs.shortened, "ends"), (jobs.regrouped, "goes on")])
async def test_a_step_that_is_left_out_does_not_fit(job: Job[Any, Any], how: str) -> None:
    found, path, detail = await verdict(job)
    assert (found, path) == (ReplayVerdict.DIVERGED, "2.1.1")
    assert detail == f"the handler {how} without step 2.1.1 (ship), which the journal has"


async def test_a_handler_that_raises_is_told_from_one_that_diverges() -> None:
    assert await verdict(jobs.raises) == (ReplayVerdict.FAILED, "", "the handler raised RuntimeError: no tea")
    found, _, detail = await verdict(jobs.needs_more)
    assert found is ReplayVerdict.FAILED
    assert "amount" in detail


async def test_a_failed_step_that_the_handler_lets_pass_fits() -> None:
    problem = '{"type":"about:blank","title":"no","status":500,"detail":"no","code":"rejected","retryable":false}'
    failed = {"1": a_step("reserve", status=StepStatus.FAILED, ok=False), "1:out": problem}
    assert (await verdict(jobs.recorded, msgspec.structs.replace(SAGA, steps=failed)))[0] is ReplayVerdict.FITS


async def test_one_that_undoes_its_work_is_replayed_alike() -> None:
    undoing = msgspec.structs.replace(SAGA, unwinding="cancelled")
    assert (await verdict(jobs.recorded, undoing))[0] is ReplayVerdict.FITS
    assert (await verdict(jobs.renamed, undoing))[0] is ReplayVerdict.DIVERGED


async def test_what_was_recorded_as_patched_decides() -> None:
    steps = {"1": a_step("check"), "1:out": "1"}

    async def check() -> int:
        raise AssertionError("a replay does nothing again")

    async def handler(ctx: Any) -> None:
        if await ctx.patched("check"):
            await ctx.step(check)

    made = _job(handler)
    saga = RecordedSaga(token=TOKEN, kind="made", input=msgspec.Raw(b"{}"), steps=steps)
    for epoch, name in ((0, "patched:check"), (2, "patched:check~2")):
        for memo, expected in (("true", ReplayVerdict.FITS), ("false", ReplayVerdict.DIVERGED)):
            found = msgspec.structs.replace(saga, memos={name: memo}, epoch=epoch)
            assert (await verdict(made, found))[0] is expected


def _job(handler: Any) -> Job[Any, Any]:
    handler.__annotations__["ctx"] = Context
    handler.__name__ = "made"
    made: Job[Any, Any] = job(handler)
    return made


async def test_a_kind_or_version_that_the_code_lacks_waits_and_does_not_diverge() -> None:
    for other in (jobs.newer, jobs.plain):
        (one,) = await replay([SAGA], other)
        assert (one.verdict, one.fits) == (ReplayVerdict.UNSERVED, True)


async def test_a_handler_that_takes_too_long_is_stopped() -> None:
    async def handler(ctx: Any) -> None:
        await asyncio.Event().wait()

    saga = RecordedSaga(token=TOKEN, kind="made", input=msgspec.Raw(b"{}"), steps={})
    found, _, detail = await verdict(_job(handler), saga, within_s=0.05)
    assert found is ReplayVerdict.FAILED
    assert "within 0.05 s" in detail


async def test_dependencies_are_given_as_to_a_run() -> None:
    found, _, detail = await verdict(jobs.depends)
    assert (found, "RuntimeError" in detail) == (ReplayVerdict.FAILED, True)
    assert (await verdict(jobs.depends, overrides={jobs.a_service: lambda: "given"}))[0] is ReplayVerdict.FITS


async def test_a_journal_that_cannot_be_read_fails() -> None:
    spoiled = msgspec.structs.replace(SAGA, steps={"1": "no journal"})
    assert (await verdict(jobs.recorded, spoiled))[0] is ReplayVerdict.FAILED


# The file.


def file_of(*sagas: RecordedSaga, end: bytes | None = None) -> bytes:
    lines = [head_line("1"), *map(saga_line, sagas), end_line(len(sagas), whole=True) if end is None else end]
    return b"".join(lines)


async def test_a_file_is_replayed_saga_by_saga(tmp_path: Path) -> None:
    file = tmp_path / "sagas.jsonl"
    file.write_bytes(file_of(SAGA, msgspec.structs.replace(SAGA, kind="other")))
    found = await replay(file, jobs.renamed)
    assert [one.verdict for one in found] == [ReplayVerdict.DIVERGED, ReplayVerdict.UNSERVED]
    assert [one.fits for one in await replay(str(file), jobs.recorded)] == [True, True]


def test_a_saga_reads_back_as_it_was_written() -> None:
    (found,) = read_recorded(io.BytesIO(file_of(SAGA)))
    assert found == SAGA


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no recorded sagas"),
        (b"{}\n", "no recorded sagas"),
        (b"\xff\n", "no recorded sagas"),
        (b'{"tidings_sagas":2}\n', "format 2"),
        (file_of(SAGA, end=b""), "cut off"),
        (file_of(SAGA)[:-30], "line"),
        (file_of(SAGA, end=end_line(2, whole=True)), "lines are missing"),
        (file_of(end=b'{"sagas":"x"}\n'), "no count"),
        (head_line("1") + b'{"token":1}\n', "line 2 is no recorded saga"),
        (head_line("1") + b"[" * 100_000 + b"\n", "line 2 is no recorded saga"),
    ],
)
def test_a_file_that_is_none_or_was_cut_off_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        list(read_recorded(io.BytesIO(data)))


async def test_a_test_that_names_no_jobs_or_a_wrong_file_learns_so(tmp_path: Path) -> None:
    with pytest.raises(TestingError, match="name the jobs"):
        await replay([SAGA])
    file = tmp_path / "sagas.jsonl"
    file.write_bytes(b"other")
    with pytest.raises(TestingError, match="no recorded sagas"):
        await replay(file, jobs.recorded)
