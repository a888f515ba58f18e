import asyncio
import base64
import io
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec
import pytest
from PIL import Image

import jobs
from demo.recorder import Recorder
from flights import dataset
from support.waiting import until_async
from tidings import Context, Job, Reject, SyncContext
from tidings.errors import StoppedError
from tidings_worker.loading.loader import load_jobs


@pytest.fixture(autouse=True)
def cache(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CACHE", parquet.parent)


async def run(job: Job[Any, Any], recorder: Recorder, **input: Any) -> Any:
    """Run a handler as a worker does: the input decoded by its shape, the result as JSON."""
    arguments = job.input.arguments(msgspec.json.encode(input))
    if job.mode == "async":
        result = await job.function(Context(recorder), **arguments)
    else:
        context = SyncContext(recorder)
        result = await anyio.to_thread.run_sync(lambda: job.function(context, **arguments))
    await asyncio.sleep(0)  # what a thread said last is on its way
    return msgspec.json.decode(msgspec.json.encode(result))


def picture(width: int = 40, height: int = 30) -> str:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


# flight_delays


async def test_flight_delays_of_an_airline_agree_with_the_file(csv_rows: list[dict[str, str]]) -> None:
    by_airport: defaultdict[str, list[str]] = defaultdict(list)
    for row in csv_rows:
        if row["carrier"] == "UA":
            by_airport[row["origin"]].append(row["dep_delay"])
    result = await run(jobs.flight_delays, Recorder(), carrier="ua", by="origin")
    assert {row[0][-4:-1] for row in result["rows"]} == set(by_airport)
    for name, flights, average, median, late, worst, cancelled in result["rows"]:
        delays = by_airport[name[-4:-1]]
        left = [int(delay) for delay in delays if delay != "NA"]
        assert (flights, median, worst) == (len(delays), statistics.median(left), max(left))
        assert average == pytest.approx(statistics.fmean(left), abs=0.005)
        assert late == pytest.approx(100 * sum(delay >= 15 for delay in left) / len(left), abs=0.005)
        assert cancelled == pytest.approx(100 * delays.count("NA") / len(delays), abs=0.005)


async def test_flight_delays_has_the_shape_that_the_page_draws() -> None:
    result = await run(jobs.flight_delays, Recorder())
    assert result["title"] == "New York departures of all airlines in 2013"
    assert result["columns"][:2] == [
        {"name": "month", "label": "Month", "unit": ""},
        {"name": "flights", "label": "Flights", "unit": "flights"},
    ]
    assert all(len(row) == len(result["columns"]) for row in result["rows"])
    assert sum(row[1] for row in result["rows"]) == result["rows_scanned"] == 336_776
    chart = result["chart"]
    assert chart["kind"] == "bar"
    assert chart["labels"][0] == "January"
    assert len(chart["labels"]) == len(chart["values"]) == 12
    assert result["elapsed_s"] > 0


async def test_flight_delays_tells_the_averages_of_each_day_so_far() -> None:
    recorder = Recorder()
    result = await run(jobs.flight_delays, recorder, by="carrier")
    said = recorder.progresses[1:]
    assert len(said) == 365
    assert said[0]["message"].startswith("1 January: 842 flights read, ")
    assert said[-1]["fraction"] == 1
    assert said[-1]["message"].startswith("31 December: 336,776 flights read, ")
    last = [list(bar) for bar in zip(result["chart"]["labels"], result["chart"]["values"], strict=True)]
    assert said[-1]["data"]["rows"] == last


async def test_flight_delays_stops_between_two_days_when_cancelled() -> None:
    recorder = Recorder(cancel_after=10)
    with pytest.raises(StoppedError):
        await run(jobs.flight_delays, recorder)
    assert 10 <= len(recorder.progresses) < 365


async def test_flight_delays_of_an_unknown_airline_names_those_there_are() -> None:
    with pytest.raises(Reject, match=r"no airline ZZ is in the data; there are 9E, AA, .*, YV, and all"):
        await run(jobs.flight_delays, Recorder(), carrier="ZZ")


async def test_flight_delays_without_the_data_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "PACKAGE", "no_such_package")
    dataset.airline_names.cache_clear()
    with pytest.raises(Reject, match="not installed"):
        await run(jobs.flight_delays, Recorder())


@pytest.mark.parametrize("input", [{"carrier": "United"}, {"by": "year"}, {"when": "now"}])
def test_flight_delays_takes_nothing_else(input: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        jobs.flight_delays.input.arguments(msgspec.json.encode(input))


# thumbnails


async def test_thumbnails_logs_each_picture_and_sums_them_up() -> None:
    recorder = Recorder()
    result = await run(
        jobs.thumbnails,
        recorder,
        name="a.png",
        image=picture(),
        sizes=[16, 32, 16],
        filters=["sepia", "blur"],
    )
    assert [(one["size"], one["filter"]) for one in recorder.chunks] == [
        (16, "sepia"),
        (16, "blur"),
        (32, "sepia"),
        (32, "blur"),
    ]
    assert set(recorder.chunks[0]) == {"size", "filter", "width", "height", "bytes", "media_type", "data"}
    written = sum(one["bytes"] for one in recorder.chunks)
    assert result == {
        "name": "a.png",
        "width": 40,
        "height": 30,
        "format": "PNG",
        "made": 4,
        "bytes": written,
    }
    assert recorder.progresses[-1]["fraction"] == 1


async def test_thumbnails_makes_all_filters_in_three_sizes_by_default() -> None:
    assert (await run(jobs.thumbnails, Recorder(), name="a.png", image=picture()))["made"] == 18


async def test_thumbnails_stops_between_two_pictures_when_cancelled() -> None:
    recorder = Recorder(cancel_after=3)
    with pytest.raises(StoppedError):
        await run(jobs.thumbnails, recorder, name="a.png", image=picture())
    assert 2 <= len(recorder.chunks) < 18


async def test_thumbnails_refuses_what_is_no_picture() -> None:
    with pytest.raises(Reject, match="no picture"):
        await run(jobs.thumbnails, Recorder(), name="a.png", image="aGVsbG8=")


@pytest.mark.parametrize(
    "wrong", [{"sizes": [15]}, {"sizes": [1025]}, {"sizes": []}, {"sizes": [16] * 9}, {"filters": ["neon"]}]
)
def test_thumbnails_takes_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        jobs.thumbnails.input.arguments(msgspec.json.encode({"name": "a", "image": "aGVsbG8=", **wrong}))


# index_text


async def test_index_text_logs_what_it_finds_in_a_text() -> None:
    recorder = Recorder()
    text = "# Owls\nAn owl is a bird. This owl sleeps. That owl hunts.\n"
    result = await run(jobs.index_text, recorder, text=text, top=1)
    assert result["title"] == "Your text"
    assert result["terms"] == [["owl", 3]]
    assert (result["words"], result["sentences"]) == (12, 3)
    assert recorder.chunks[0] == {
        "kind": "heading",
        "term": "Owls",
        "where": "1 · Owls",
        "text": "An owl is a bird.",
    }
    assert recorder.progresses[-1]["data"] == {
        "rows": [["owl", 3], ["bird", 1], ["hunts", 1], ["owls", 1], ["sleeps", 1]]
    }


async def test_index_text_without_a_text_reads_the_language_reference() -> None:
    recorder = Recorder()
    result = await run(jobs.index_text, recorder, text=None)
    assert result["title"].endswith("language reference")
    assert len(result["terms"]) == 20
    assert len(recorder.chunks) > 200
    fractions = [said["fraction"] for said in recorder.progresses]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("text", ["", " \n ", "!?"])
async def test_index_text_refuses_a_text_without_words(text: str) -> None:
    with pytest.raises(Reject, match="no words"):
        await run(jobs.index_text, Recorder(), text=text)


async def test_index_text_stops_between_two_sections_when_cancelled() -> None:
    recorder = Recorder()
    task = asyncio.create_task(run(jobs.index_text, recorder))
    await until_async(lambda: len(recorder.progresses) >= 5, pause_s=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    said = len(recorder.progresses)
    await asyncio.sleep(0)
    assert len(recorder.progresses) == said < 100


@pytest.mark.parametrize("wrong", [{"top": 0}, {"top": 101}, {"text": "x" * 1_000_001}])
def test_index_text_takes_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        jobs.index_text.input.arguments(msgspec.json.encode(wrong))


# all of them


def test_a_worker_finds_every_kind() -> None:
    kinds = {job.kind for job in load_jobs([jobs.__file__])}
    assert {"flight_delays", "thumbnails", "index_text", "place_order", "charge_card"} < kinds
    assert kinds == set(jobs.__all__)


@pytest.mark.parametrize("job", [jobs.flight_delays, jobs.thumbnails, jobs.index_text, jobs.place_order, jobs.recite])
def test_every_kind_describes_its_input_and_result(job: Job[Any, Any]) -> None:
    record = job.record()
    assert record.description
    assert record.result not in (b"null", b"{}")
