"""Work on real data, and a small shop, for `TIDINGS_PAGE=demo tidings dev examples/demo/jobs.py`.

The work itself is in the modules beside this one, which know nothing of Tidings. The handlers run
it part by part, and say after each part how far they are: that is also where a cancelled job stops.
They may run twice if a worker is lost, which does no harm: the same chunks come again.
"""

import os
import re
import time
from typing import Annotated, Final, TypeAlias

import anyio.to_thread
from msgspec import Meta

from chat.chat_answer import answer_chat
from flights.dataset import DataMissingError, airline_names, airport_names, cache_folder, flights_parquet
from flights.delays import By, DelayReport, Tally, day_name
from flights.flights import Flights
from orders import (
    book_courier,
    cancel_courier,
    charge_card,
    check_books,
    place_order,
    print_label,
    refund_card,
    restock,
    set_card_service,
)
from pictures.filters import Filter
from pictures.pictures import PictureError, Summary, decode_picture, thumbnails_of
from texts.index import Index, IndexReport
from texts.text import reference, sections
from tidings import Context, Reject, SyncContext, job

__all__ = [
    "answer_chat",
    "book_courier",
    "cancel_courier",
    "charge_card",
    "check_books",
    "flight_delays",
    "index_text",
    "place_order",
    "print_label",
    "recite",
    "refund_card",
    "restock",
    "set_card_service",
    "thumbnails",
]

CACHE: Final = cache_folder(os.environ)
"""Where the flights are kept in a form that is fast to read."""

SHOWN_TERMS: Final = 10
"""How many of the most frequent terms so far go with the progress of `index_text`."""

Carrier: TypeAlias = Annotated[
    str, Meta(pattern="^(all|[A-Za-z0-9]{2})$", description='A two-character airline code, or "all".')
]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255, description="The picture's file name.")]
Base64: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=16_000_000, description="A JPEG, PNG, WebP, GIF or BMP, in base64.")
]
Sizes: TypeAlias = Annotated[
    tuple[Annotated[int, Meta(ge=16, le=1024)], ...],
    Meta(min_length=1, max_length=8, description="Pixels along the longer edge."),
]
Filters: TypeAlias = Annotated[tuple[Filter, ...], Meta(min_length=1, max_length=6)]
Text: TypeAlias = Annotated[str, Meta(max_length=1_000_000, description="Plain text or Markdown.")]
Words: TypeAlias = Annotated[int, Meta(ge=1, le=5_000, description="How many words of the text.")]
Pace: TypeAlias = Annotated[float, Meta(ge=0, le=1_000, description="Milliseconds before each word.")]
Top: TypeAlias = Annotated[int, Meta(ge=1, le=100, description="How many terms the result names.")]

EVERY_FILTER: Final[Filters] = ("original", "grayscale", "sepia", "edges", "blur", "posterize")


@job(timeout=120, retries=2)
def flight_delays(ctx: SyncContext, carrier: Carrier = "all", by: By = "month") -> DelayReport:
    """Counts how late flights left New York in 2013.

    Reads the year day by day. The progress of each day brings the averages so far, as the data
    `{"rows": [[label, minutes], …]}`.

    Raises:
        Reject: the data has no such airline, or is not installed where the worker runs.

    """
    started = time.perf_counter()
    ctx.progress(0, message="Opening the flights")
    try:
        airlines, airports, file = airline_names(), airport_names(), flights_parquet(CACHE)
    except DataMissingError as error:
        raise Reject(str(error)) from error
    code = None if carrier == "all" else carrier.upper()
    if code is not None and code not in airlines:
        raise Reject(f"no airline {code} is in the data; there are {', '.join(sorted(airlines))}, and all")
    tally, read = Tally(by, {**airports, **airlines}), 0
    with Flights(file) as flights:
        days = flights.days()
        for done, day in enumerate(days, 1):
            tally.add(flights.cells(day, by, code))
            read += day.flights
            said = f"{day_name(day.month, day.day)}: {read:,} flights read, {tally.late:,} late so far"
            ctx.progress(done, len(days), said, {"rows": tally.averages()})
    whose = airlines[code] if code else "all airlines"
    return tally.report(f"New York departures of {whose} in 2013", read, time.perf_counter() - started)


@job(timeout=120, retries=2)
def thumbnails(
    ctx: SyncContext,
    name: Name,
    image: Base64,
    sizes: Sizes = (96, 192, 384),
    filters: Filters = EVERY_FILTER,
) -> Summary:
    """Makes small pictures of a picture, one for each size and filter.

    Each is a chunk of the log as soon as it is made.

    Raises:
        Reject: it is no picture, or a damaged one, or too large.

    """
    ctx.progress(0, message=f"Decoding {name}")
    try:
        original = decode_picture(image, max(sizes))
    except PictureError as error:
        raise Reject(str(error)) from error
    sizes, filters = tuple(dict.fromkeys(sizes)), tuple(dict.fromkeys(filters))  # each once
    total, written = len(sizes) * len(filters), 0
    for done, made in enumerate(thumbnails_of(original, sizes, filters), 1):
        ctx.log(made)
        ctx.progress(done, total, f"{made.filter} at {made.size} px: {done} of {total}")
        written += made.bytes
    return Summary(name, original.width, original.height, original.format, total, written)


@job(timeout=120, retries=2)
async def index_text(ctx: Context, text: Text | None = None, top: Top = 20) -> IndexReport:
    """Reads a text section by section and tells what stands out in each.

    Findings are chunks of the log. The progress of each section brings the most frequent words so
    far, as the data `{"rows": [[word, count], …]}`. Without a text it reads the Python language
    reference.

    Raises:
        Reject: the text has no words.

    """
    started = time.perf_counter()
    title, body = ("Your text", text) if text is not None else await anyio.to_thread.run_sync(reference)
    index = Index()
    for section in sections(body):
        # Milliseconds each, but of pure computation: in a thread it delays no other job's messages.
        for finding in await anyio.to_thread.run_sync(index.add, section):
            await ctx.log(finding)
        rows = await anyio.to_thread.run_sync(index.top, SHOWN_TERMS)
        said = f"{section.title}: {index.words:,} words read"
        await ctx.progress(section.end, len(body), said, {"rows": rows})
    if not index.words:
        raise Reject("the text has no words")
    return index.report(title, top, time.perf_counter() - started)


@job(timeout=600, retries=5)
async def recite(ctx: Context, words: Words = 400, pace_ms: Pace = 30) -> str:
    """Says the beginning of the Python language reference word by word, as a model says its answer.

    The stream `text` has the words. A later attempt goes on where the last one was: what has been said stays.
    """
    _, body = await anyio.to_thread.run_sync(reference)
    text = ctx.stream("text")
    pieces = re.findall(r"\S+\s*", body)[:words]
    said = len(await text.earlier())
    text.keep(said)
    for piece in pieces[said:]:
        await anyio.sleep(pace_ms / 1000)
        await text.write(piece)
    return "".join(pieces)
