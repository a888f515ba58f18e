"""The decorator `on`: what it takes, what it refuses, and which handler of a group gets an event."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from tidings import Context, Depends, Event, HandlerDefinitionError, on
from tidings.consumer.consumed_event import ConsumedEvent, EventEnvelope, decode_event_text
from tidings.consumer.event_handler import DEFAULT_RETRIES
from tidings_worker.consumers.consumer_groups import groups_of
from tidings_worker.loading.loader import LoadError, load_modules

FRAME = (
    '{"type":"event","token":"q.t","seq":7,"at":"2026-11-30T07:47:36Z","event":"failed","status":"failed","data":%s}'
)


async def handle(event: Event) -> None:
    """Handle."""


def event(data: str = "{}", **said: Any) -> ConsumedEvent:
    envelope = EventEnvelope(kind="order", group="billing", **said)
    text = decode_event_text(FRAME % data)
    return ConsumedEvent(text, envelope, text.data or {}, None)  # type: ignore[arg-type]


def test_what_is_not_said_has_its_default() -> None:
    found = on("order")(handle)
    assert (found.group, found.mode, found.policy.retries) == ("handle", "async", DEFAULT_RETRIES)
    assert found.patterns[0].names == ("succeeded", "failed", "cancelled", "expired")


async def needs_context(ctx: Context) -> str:
    return ctx.token


async def two(event: Event, amount: int) -> None:
    pass


async def none() -> None:
    pass


async def by_name(*, event: Event) -> None:
    pass


async def with_context(event: Event, token: Annotated[str, Depends(needs_context)]) -> None:
    pass


async def without_function(event: Event, pool: Annotated[str, Depends]) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (two, "handler two: nothing fills the parameter amount: a handler gets the event alone; give it a default, or"),
        (none, r"handler none: its first parameter gets the event; write def none\(event: Event\)"),
        (by_name, "handler by_name: its first parameter gets the event"),
        (with_context, "handler with_context: dependency needs_context .*: the parameter ctx is a context, which a"),
        (without_function, "handler without_function: the parameter pool has Depends without a function"),
    ],
)
def test_a_parameter_that_nothing_fills_is_refused_where_it_is_written(function: Any, said: str) -> None:
    with pytest.raises(HandlerDefinitionError, match=said):
        on("order")(function)


async def with_more(event: Event, times: int = 3, *rest: str, **options: str) -> None:
    pass


def test_parameters_with_defaults_are_left_alone() -> None:
    assert on("order")(with_more).dependencies is None
    assert on("order", group="g")(lambda *given: given).dependencies is None


def test_a_handler_can_be_called_as_the_function_that_it_is() -> None:
    found = on("order", group="g", timeout=timedelta(seconds=3), retry_on=OSError)(lambda one: one)
    assert (found(5), found.mode, found.policy.timeout, found.policy.retry_on) == (5, "thread", 3.0, (OSError,))


@pytest.mark.parametrize(
    ("kinds", "options", "said"),
    [
        ((), {}, "name 1 to 100 kinds"),
        (("ord er",), {}, "neither a kind nor a pattern"),
        (("a",), {"events": ["suceeded"]}, "'suceeded' is no event; there are: queued, started"),
        (("a",), {"events": "succeeded"}, 'write a list: events=["succeeded"]'),
        (("a",), {"events": []}, "events is empty"),
        (("a",), {"group": "1st"}, "group is '1st'"),
        (("a",), {"group": "~feed"}, "group is '~feed'"),
        (("a",), {"retries": 1001}, "retries is 1001; it must be 0 to 1000"),
        (("a",), {"timeout": 0}, "timeout is 0 s; allowed: above 0"),
        (("a",), {"retry_on": "all"}, "it must be exception classes"),
        (("a",), {"retires": 3}, "retires is no option of @on"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(kinds: tuple[str, ...], options: Any, said: str) -> None:
    with pytest.raises(HandlerDefinitionError, match=r"^handler handle: ") as raised:
        on(*kinds, **options)(handle)
    assert said in str(raised.value)


@pytest.mark.parametrize("function", [type("C", (), {}), on("a")(handle), object()])
def test_only_functions_handle_events(function: Any) -> None:
    with pytest.raises(HandlerDefinitionError, match="only functions"):
        on("a")(function)


def test_the_handler_that_names_a_kind_most_closely_gets_its_events() -> None:
    exact, near, far = (on(kinds, group="g")(handle) for kinds in ("order.placed", "order.*", "*"))
    (group,) = groups_of([far, near, exact])
    assert group.handler_of("order.placed", "failed") is exact
    assert group.handler_of("order.sent", "failed") is near
    assert group.handler_of("invoice", "failed") is far
    assert group.handler_of("invoice", "started") is None


def test_the_id_of_an_event_is_the_same_in_every_group_and_try() -> None:
    assert event(attempt=1).id == event(attempt=4).id == "q.t:7"
    assert event().idempotency_key == "billing:q.t:7"
    assert event().correlation_id == "q.t"
    assert event(correlation_id="c").correlation_id == "c"


def test_an_event_gives_result_and_problem() -> None:
    assert (event().result, event().problem) == (None, None)
    assert event('{"result":[1]}').result == [1]
    refused = event('{"problem":{"type":"urn:x","title":"t","status":500,"detail":"d","code":"rejected"}}').problem
    assert refused is not None
    assert refused.code == "rejected"


def test_a_state_without_a_lifespan_says_what_to_do() -> None:
    with pytest.raises(LookupError, match="handler handle has no lifespan"):
        _ = on("a")(handle).state


def load(folder: Path, **files: str) -> Any:
    for name, text in files.items():
        (folder / f"{name}.py").write_text("from tidings import on, job, lifespan\n" + text)
    return load_modules([str(folder / f"{name}.py") for name in files])


def test_two_handlers_of_one_group_for_the_same_events_are_refused(tmp_path: Path) -> None:
    twice = (
        "@on('a', group='g')\nasync def one(e): ...\n@on('a', group='g', events=['failed'])\nasync def two(e): ...\n"
    )
    with pytest.raises(LoadError, match=r"the group 'g' has two handlers for failed of a: one .* and two"):
        load(tmp_path, twice_handled=twice)


def test_a_module_may_hold_handlers_alone(tmp_path: Path) -> None:
    served = load(tmp_path, handlers_alone="@on('a', group='g')\nasync def one(e): ...\n")
    assert ([one.name for one in served.handlers], served.jobs) == (["one"], [])


def test_a_handler_gets_the_lifespan_of_its_module(tmp_path: Path) -> None:
    text = "@lifespan\nasync def opened():\n    yield 1\n@on('a')\nasync def one(e): ...\n"
    served = load(tmp_path, handlers_opened=text)
    assert served.handlers[0].lifespan is served.lifespans[0]


def test_a_pattern_survives_the_store() -> None:
    pattern = on("a.*", events=["failed", "succeeded"])(handle).patterns[0]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(pattern)) == ["a.*", " succeeded failed "]
