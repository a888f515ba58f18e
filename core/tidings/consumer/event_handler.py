"""The decorator `on`, and what it makes of a function.

::

    @on("order.*", events=["succeeded"], group="billing")
    async def bill(event: Event) -> None: ...
"""

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack

import msgspec

from tidings.circuit.breaker import Breaker, breaker_of
from tidings.declare.policy import MAX_RETRIES, MAX_RUN_S
from tidings.protocol.event_pattern import MAX_PATTERNS, TERMINAL_EVENTS, EventPattern, check_group
from tidings.resources.dependency_plan import DependencyPlan, plan_of
from tidings.resources.depends import DependencyDefinitionError
from tidings.resources.lifespan import Lifespan
from tidings.seconds import Duration, seconds_of

from .consumed_event import ConsumedEvent

F = TypeVar("F", bound=Callable[..., Any])

ErrorClasses = type[BaseException] | tuple[type[BaseException], ...]

DEFAULT_RETRIES: Final = 15
"""With the pauses of the back-off, about an hour and a half."""

DEFAULT_TIMEOUT_S: Final = 60.0


class HandlerDefinitionError(TypeError):
    """A function or an option of `@on` cannot work; the message says which function, and why."""


class HandlerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How workers repeat and give up the handling of an event."""

    retries: int = DEFAULT_RETRIES
    """How often they repeat a try that failed, 0 to 1000; then the event becomes a dead letter of the group."""
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    """The exceptions after which they repeat it; any other makes the event a dead letter at once."""
    no_retry_on: tuple[type[BaseException], ...] = ()
    """Exceptions among those of `retry_on` that make it a dead letter at once all the same."""
    timeout: float = DEFAULT_TIMEOUT_S
    """Seconds that one try may take."""
    breaker: Breaker | None = None
    """The breaker behind which every try runs; while it is open, events wait."""


class HandlerOptions(TypedDict, total=False):
    """The options of `@on` beside the kinds; see `HandlerPolicy`."""

    events: Sequence[str]
    """The names of the events that it handles; by default those that end a job."""
    group: str
    """The group that it belongs to, 1 to 64 characters; by default the function's name."""
    retries: int
    retry_on: ErrorClasses
    no_retry_on: ErrorClasses
    timeout: Duration
    breaker: str | Breaker


class EventHandler:
    """A function that handles events for a group. Calling it calls the function, for tests."""

    def __init__(self, function: Callable[..., Any], kinds: Sequence[str], options: HandlerOptions) -> None:
        self.function: Callable[..., Any] = function
        self.name: str = str(getattr(function, "__name__", function))
        """The function's name."""
        where = f"handler {self.name}"
        if isinstance(function, EventHandler) or inspect.isclass(function) or not inspect.isroutine(function):
            raise HandlerDefinitionError(f"{where}: only functions can handle events, and each is under one @on")
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            raise HandlerDefinitionError(f"{where}: a handler must not be a generator")
        if not 1 <= len(kinds) <= MAX_PATTERNS:
            raise HandlerDefinitionError(f"{where}: name 1 to {MAX_PATTERNS} kinds or patterns, such as order.*")
        try:
            self.group: str = check_group(options.get("group") or self.name)
            """The group that handles each event once."""
            events = options.get("events", TERMINAL_EVENTS)
            if isinstance(events, str):
                raise ValueError(f'events is a text; write a list: events=["{events}"]')  # noqa: TRY004, TRY301
            self.patterns: tuple[EventPattern, ...] = tuple(EventPattern.of(one, events) for one in kinds)
            self.policy: HandlerPolicy = _policy_of(options)
        except (TypeError, ValueError) as error:
            raise HandlerDefinitionError(f"{where}: {error}") from error
        self.dependencies: DependencyPlan | None = self._plan(where)
        """What it depends on beside the event."""
        self.mode: Literal["async", "thread"] = "async" if inspect.iscoroutinefunction(function) else "thread"
        self.lifespan: Lifespan[Any] | None = None
        """What opens `event.state`; the loader of a worker finds it."""
        self._state: tuple[Any, ...] = ()
        self.__doc__ = function.__doc__
        self.__name__: str = self.name
        self.__wrapped__ = function

    def _plan(self, where: str) -> DependencyPlan | None:
        """Return the plan of its dependencies, and see that each of its parameters is filled."""
        try:
            plan = plan_of(self.function, event=ConsumedEvent)
        except NameError as error:
            raise HandlerDefinitionError(
                f"{where}: the type {error.name} in its hints is not known at run time; import it at the top of the "
                "module, outside of `if TYPE_CHECKING`"
            ) from error
        except DependencyDefinitionError as error:
            raise HandlerDefinitionError(f"{where}: {error}") from error
        filled = frozenset[str]() if plan is None else plan.parameters
        left = [one for name, one in inspect.signature(self.function).parameters.items() if name not in filled]
        if not left or left[0].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            raise HandlerDefinitionError(
                f"{where}: its first parameter gets the event; write def {self.name}(event: Event)"
            )
        for one in left[1:]:
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
                raise HandlerDefinitionError(
                    f"{where}: nothing fills the parameter {one.name}: a handler gets the event alone; give it a "
                    "default, or Depends(FUNCTION)"
                )
        return plan

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<handler {self.name} of {self.group}>"

    @property
    def place(self) -> str:
        """Return the file and the line of its function."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else repr(self.function)

    def under(self, lifespan: Lifespan[Any]) -> "EventHandler":
        """Return this handler with the lifespan that opens its state."""
        placed = copy.copy(self)
        placed.lifespan = lifespan
        return placed

    def with_state(self, state: Any) -> "EventHandler":
        """Return this handler with what its lifespan yielded."""
        ready = copy.copy(self)
        ready._state = (state,)  # noqa: SLF001
        return ready

    @property
    def state(self) -> Any:
        """What its lifespan yielded.

        Raises:
            LookupError: it has none.

        """
        if not self._state:
            raise LookupError(
                f"event.state: handler {self.name} has no lifespan; write one in its module under @lifespan, or "
                "import one"
            )
        return self._state[0]

    def rank_of(self, kind: str, event: str) -> tuple[bool, int] | None:
        """Return how closely it names an event; None: it does not handle it."""
        return max((one.rank for one in self.patterns if one.matches(kind, event)), default=None)


def on(*kinds: str, **options: Unpack[HandlerOptions]) -> Callable[[Callable[..., Any]], EventHandler]:
    """Have workers call a function for what happens to jobs of some kinds.

    Each group of handlers gets every event that it follows at least once, the events of one job in order, at its own
    pace. Workers that serve handlers of one group share its events. The handlers of one group may stand in several
    modules; an event goes to that which names its kind most closely.

    Args:
        kinds: kinds, or patterns such as `order.*`, in which `*` stands for any characters.
        options: `events` (names; those that end a job), `group` (the function's name), and those of `HandlerPolicy`.

    Raises:
        HandlerDefinitionError: the function or an option cannot work.

    """
    return lambda function: EventHandler(function, kinds, options)


def _policy_of(options: HandlerOptions) -> HandlerPolicy:
    unknown = sorted(set(options) - set(HandlerOptions.__annotations__))
    if unknown:
        raise TypeError(f"{unknown[0]} is no option of @on; there are: {', '.join(HandlerOptions.__annotations__)}")
    retries = options.get("retries", DEFAULT_RETRIES)
    if not 0 <= retries <= MAX_RETRIES:
        raise ValueError(f"retries is {retries}; it must be 0 to {MAX_RETRIES}")
    timeout = seconds_of("timeout", options.get("timeout", DEFAULT_TIMEOUT_S), most=MAX_RUN_S, above=True)
    breaker = options.get("breaker")
    return HandlerPolicy(
        retries=retries,
        retry_on=_classes("retry_on", options.get("retry_on", (Exception,))),
        no_retry_on=_classes("no_retry_on", options.get("no_retry_on", ())),
        timeout=timeout,
        breaker=None if breaker is None else breaker_of(breaker),
    )


def _classes(option: str, given: ErrorClasses) -> tuple[type[BaseException], ...]:
    found: tuple[object, ...] = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(one, type) and issubclass(one, BaseException) for one in found):
        raise TypeError(f"{option} is {given!r}; it must be exception classes")
    return given if isinstance(given, tuple) else (given,)
