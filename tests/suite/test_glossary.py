"""The glossary and the code say the same: our words occur there, and names are made of them and of plain English."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "glossary.md"
PACKAGES = ("core", "server", "worker")

_WORDS = """
abort aborted access ack acknowledge acted action activity address admin admitted advice age alive allocator allowed
already answered any api app argument arrival arrive asgi asker asking assembly async attributed authenticator
authorize authorizer availability await awaited away background backlog base batch begin begun bench binary blocked
blocker blocking body bound boundary broken bucket build builder bulk bytes cache call cancel cancellation cancelled
capacity cause channel check children choice circuit claim claimed class clean cleanup cleared cli client clock close
closed code codec collector command compensator compile complete completed completion compression computed concurrency
concurrent condition config configured confirm connect connection console constant consumer container content context
control convert coroutine count counter crash created cron current cursor data days deadline death decide decision
declared decode decoding default defined definition delay delayed delete denied deny depth derived
describable description detach detached detail dev diagnosis dial direct directory discard dispatch diverged document
done dropped due duration effect emitter empty encoded encoding end ended ending endpoint engine enqueue ensure enter
entered enum environment equivalent error evict example exclusive executable execute execution executor exemplar exit
expand expected expired expiring expiry explicit export expose exposition expression extension external extra factory
fail failed failure family fatal fault feature feed field figures file filter final finalize finish finished first
fixed flag flush folder follow follower fork format framing freeze front frozen full function future gather gauge gc
general generator get global go graceful growth guard guarded half handed hash head header health hearing hello
histogram hold host http idempotent identifier idle illegal immediate implementation import in inbound incoming
increment index information initial injector insert inside inspect install instance instruments integral interface
internal interrupt interrupted interval invalid ipc isolated
issued issuer item iterator join json jwks jwt key killed known
label large last lasting late latency layer leave leaving length level library lifecycle limit limiter line
list listed listen listened listing live liveness load loader loading local location lock log logging long loop
loopback lossless lost lua machine main make maker manual map match matcher measure measured memory merge message
metadata meter method metric middleware missing mode model module moment monitor mounted move mutable name named
native nested network new next no node normalize not note notice notification notify nowhere number object
observability observe offer offset old once only open openapi opened opener opening operate operation operator
optional options order origin otel outbound outgoing output overdue overflow own owned pace pacing package page pair
parameters parse parsed parser part partial passed past patch pattern pause paused payload peer pending percent
percentiles period persistence persistent phase ping pipe pipeline pipelined plain plan planned platform point pointer
poll polled poller pong pool pooled port position post posted pre prefix prepare presence present preview previous
primary printable priority private program promoter property protected protocol provider proxied proxy public publish
published publisher purge push query queueing raise raised raising random range rate raw read readable reader
readiness reading ready reason rebuild recall receive received receiver recent recheck reconnect record recorded
recorder recovery recurring redirect redis reduce reference refill refresh refusal refuse refused register registered
registration reject rejection related relative release reload remain remaining remote removal remove removed render
renderer renew renewal repeat repeated replace replaced replayed reply report request requeue reserved reset resolve
resolver resource respond response restart restore result resume resumed retired retryable returned room root router
routes row rule run runner running safe sample sampler sampling scale scan scanner scheduled scheduler schema scrape
screen search seconds secret section seen select selected selection selector selectors sender sent separate sequence series
server service serving settle settled setup share shared shielded shorten shown shutdown signature signed silent
simple simulate simulation single size sized sizing skipped sleep sleeping slice sliced slow socket sort source
spacing spawned spec specification split splitter sse stage stale stall stalled standard start started starter
starting startup static statistics stats status stay stop stopped stopper stopping storage stored strategy strict
string structure stuck submission submit submitted submitter subscribed subscription success suggestions sum summary
superseded support suspend suspended swap sweeper sweeping switch symbol sync synchronous system table taken tally
target task telemetry temporary terminal test tested testing text thread threshold throttle ticking tidings time timed
timeline timeout timer timestamps timing too tool top total trace tracing track tracker traffic trailer transfer
transform transition translate transmit transported tree tries trigger trim trusted tuning turned type unanswered
unattributed unavailable unbounded undone unfinished unique unit unknown unobserve unread unrecorded unsafe unservable
unstorable unsuccessful until unused unwatch update upgrade url use user uvicorn validate validation value variable
verification verify version view visible wait waited waiter waiting wake waker walk wanted warning watched web websocket
welcome window wire withdraw woken work worker wrap wrapper write writer written
"""
PLAIN = frozenset(_WORDS.split())
"""Plain English of programming, of the web and of what we build on: words that mean here what they mean everywhere."""

Term = tuple[str, str]
"""A word of ours, and what it is said of where the page says so: `("replay", "of a letter")`."""


@cache
def terms() -> dict[Term, str]:
    """Return what the page says of each word."""
    rows = re.findall(r"^\| \*\*(.+?)\*\*(?: \((.+?)\))? \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    found = {(word, of_what): meaning for word, of_what, meaning in rows}
    assert len(found) == len(rows), "the glossary has a word twice: say in parentheses of what, or give it one meaning"
    return found


@cache
def said() -> frozenset[str]:
    """Return the words, and the pairs of words, of all that is shipped, in lower case; joints of names part words."""
    files = [path for folder in PACKAGES for end in ("py", "lua") for path in sorted((ROOT / folder).rglob(f"*.{end}"))]
    files += sorted((ROOT / "static").rglob("*.js"))
    text = "\n".join(path.read_text() for path in files)
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return frozenset(words) | {f"{word} {after}" for word, after in pairwise(words)}


def names() -> dict[str, str]:
    """Return the parts of all names of modules, packages and classes, each with one name that has it."""
    found: dict[str, str] = {}
    for folder in PACKAGES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = path.parent.name if path.stem == "__init__" else path.stem
            classes = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
            for name in (module, *classes):
                for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name):
                    found.setdefault(part.lower(), f"{name} in {path.relative_to(ROOT)}")
    return found


def singulars(part: str) -> set[str]:
    """Return what a part may be the plural of, itself among it."""
    return {part, part.removesuffix("s"), part.removesuffix("es"), re.sub("ies$", "y", part)}


@pytest.mark.parametrize("word", sorted({word for word, _ in terms()}))
def test_each_word_of_the_glossary_occurs_in_the_code(word: str) -> None:
    head, _, rest = word.lower().replace("-", " ").partition(" ")
    # "handed back" is "hand back", and "dead letters" is "dead letter"
    forms = {f"{head}{ending} {rest}".strip() for ending in ("", "s", "d", "ed", "es", "ing")}
    assert (forms | {f"{form}s" for form in forms}) & said(), (
        f"no shipped source says {word!r}: take it out of {PAGE.relative_to(ROOT)}"
    )


def test_each_word_has_one_sentence() -> None:
    long = [word for (word, _), meaning in terms().items() if ". " in meaning or meaning.endswith(".")]
    assert not long, f"say these in one sentence, without a full stop: {long}"


def test_names_are_made_of_words_of_the_glossary_and_of_plain_english() -> None:
    ours = {part for word, _ in terms() for part in re.split("[ -]", word.lower())}
    unknown = {part: name for part, name in names().items() if not singulars(part) & (ours | PLAIN)}
    assert not unknown, (
        "These words of names are neither in docs/reference/glossary.md nor in PLAIN of this test:\n"
        + "".join(f"  {part}: {name}\n" for part, name in sorted(unknown.items()))
        + "Does the field have a word for it? Rename. Is it a word of ours? Give it a row in the glossary. "
        "Does any programmer know it? Add it to PLAIN."
    )


def test_a_word_of_ours_is_not_called_plain_english_too() -> None:
    both = sorted({word for word, _ in terms()} & PLAIN)
    assert not both, f"these stand in the glossary: take them out of PLAIN of this test: {both}"
