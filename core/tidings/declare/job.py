"""Jobs as their authors write them: what the `job` decorator (`job_decorator.py`) makes of a function.

::

    @job(timeout=60, retries=3)
    async def count_delays(ctx: Context, carrier: str) -> dict[str, int]: ...

The handler's type hints are the contract of its input. Parameters beside the context are the
fields of the input object; a single parameter that is itself an object (a dataclass, a TypedDict,
a msgspec Struct or a Pydantic model) is the whole input.
"""

import copy
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, ParamSpec, TypeVar, Unpack

import msgspec

from tidings.kind import Kind
from tidings.protocol.kinds.input_template import InputTemplate
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.kinds.tier_rule import TierRule
from tidings.resources.dependency_plan import DependencyPlan, Overrides, plan_of
from tidings.resources.depends import DependencyDefinitionError
from tidings.resources.lifespan import Lifespan
from tidings.streams.generator_items import GeneratorItems, is_async_handler

from .call_arguments import CallArguments
from .handler_checks import function_fault, name_fault
from .handler_schema import InputSchema, ResultSchema, chunk_schema
from .policy import JobOptions, Policy, policy_of
from .schedule import Schedule
from .tier_selectors import check_field
from .upcasts import Upcasts

P = ParamSpec("P")
R = TypeVar("R")

_NO_STATE = object()


class JobDefinitionError(TypeError):
    """A function or an option of `@job` cannot work; the message says which function, and why."""


class Job(Kind[P, R]):
    """A kind of work and its handler. Calling the job calls its function, for tests and for reuse.

    For type checkers a `Job[P, R]` is the kind as its callers see it: P, the handler's parameters without its context,
    are what `Client.submit` and `Context.call` take; R, without the coroutine around it, is the result.
    """

    def __init__(self, function: Callable[..., Any], **options: Unpack[JobOptions]) -> None:
        self.function: Callable[..., Any] = function
        self.kind: str = options.get("name") or str(getattr(function, "__name__", function))
        """The name of the kind."""
        try:
            self.policy: Policy = policy_of(options)
        except (TypeError, ValueError) as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error
        self.queue: str = self.policy.queue
        """The queue of its jobs."""
        self._check()
        self.upcasts: Upcasts = self._upcasts()
        """The versions of its input that it takes."""
        self.route: TierRule | None = self.policy.tier if isinstance(self.policy.tier, TierRule) else None
        self.tier: str = self.policy.tier if isinstance(self.policy.tier, str) else self.policy.tier.otherwise
        """The tier of its jobs; with a `route`: of the jobs that the route does not send to another tier."""
        if (fault := name_fault(self.kind, self.queue, () if self.route else self.tiers)) is not None:
            raise JobDefinitionError(f"job {self.kind}: {fault}")
        self.mode: Literal["async", "thread", "process"] = self._mode()
        self.dependencies: DependencyPlan | None = self._plan()
        """What a worker makes for each attempt; None: the handler depends on nothing."""
        self.overrides: Overrides = {}
        """What stands for some dependencies, also for those of the functions that the handler's steps call."""
        self.input: InputSchema = self._input()
        self.yields: GeneratorItems | None = self._yields()
        """What its handler yields; None: that is no generator."""
        self.result: ResultSchema = ResultSchema.of(function, self.yields)
        self._check_fields()
        self.schedule: Schedule | None = self._schedule()
        self.lifespan: Lifespan[Any] | None = None
        """What opens the state of its handler; the loader of a worker finds it."""
        self._state: Any = _NO_STATE
        self.__doc__ = function.__doc__
        self.__name__: str = self.kind
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<job {self.kind}>"

    @property
    def place(self) -> str:
        """The file and the line of its handler."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return repr(self.function) if code is None else f"{code.co_filename}:{code.co_firstlineno}"

    def exposing(self, by_default: bool) -> "Job[P, R]":
        """Return this job with `expose_errors` set to the worker's default, if its policy leaves that open."""
        if self.policy.expose_errors is not None:
            return self
        decided = copy.copy(self)
        decided.policy = msgspec.structs.replace(self.policy, expose_errors=by_default)
        return decided

    def under(self, lifespan: Lifespan[Any] | None) -> "Job[P, R]":
        """Return this job with the lifespan that opens its state."""
        found = copy.copy(self)
        found.lifespan = lifespan
        return found

    def with_state(self, state: Any) -> "Job[P, R]":
        """Return this job with what its lifespan yielded; tests may give another value."""
        ready = copy.copy(self)
        ready._state = state  # noqa: SLF001
        return ready

    def overriding(self, overrides: Overrides) -> "Job[P, R]":
        """Return this job with other functions in the places of some dependencies, for a test.

        Args:
            overrides: dependency → the function that stands for it, with dependencies of its own if it wants. A
                dependency that the job does not have is allowed.

        Raises:
            DependencyDefinitionError: one of the others cannot be a dependency.

        """
        other = copy.copy(self)
        other.overrides = {**self.overrides, **overrides}
        if other.dependencies is not None:
            other.dependencies = other.dependencies.overridden(other.overrides)
        return other

    @property
    def state(self) -> Any:
        """What its lifespan yielded.

        Raises:
            LookupError: it has none.

        """
        if self._state is _NO_STATE:
            raise LookupError(
                f"ctx.state: job {self.kind} has no lifespan; write one in its module under @lifespan, or import one"
            )
        return self._state

    def input_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """See `Kind`."""
        return self._arguments.input_of(args, kwargs)

    def takes(self, name: str) -> bool:
        """See `Kind`."""
        return name in self.input.names

    def result_of(self, found: Any) -> Any:
        """See `Kind`."""
        return self.result.value_of(found)

    @cached_property
    def _arguments(self) -> CallArguments:
        return CallArguments.of(self.kind, self.function, self.input)

    def record(self) -> KindRecord:
        """Return the record that a worker registers.

        Raises:
            JobDefinitionError: the name, the queue or the tier has a form that the protocol does not allow.

        """
        chunk = chunk_schema(self.yields)
        record = KindRecord(
            kind=self.kind,
            version=self.policy.version,
            oldest_version=self.upcasts.oldest,
            queue=self.queue,
            tier=self.tier,
            route=self.route,
            description=inspect.cleandoc(self.function.__doc__ or "").partition("\n")[0],
            input=msgspec.Raw(msgspec.json.encode(self.input.schema)),
            result=msgspec.Raw(msgspec.json.encode(self.result.schema)),
            chunk=msgspec.UNSET if chunk is None else msgspec.Raw(msgspec.json.encode(chunk)),
            timeout=self.policy.timeout,
            retries=self.policy.retries,
            unique=self.policy.unique,
            unique_for=self.policy.unique_for,
            every=self.policy.every,
            cron=self.policy.cron,
            timezone=self.policy.timezone if self.policy.cron else None,
            limit=self.policy.limit,
            limit_by=self.limit_by,
            rate=self.policy.rate,
            rate_per=self.policy.rate_per,
            max_eta=self.policy.max_eta,
            when_busy=self.policy.when_busy,
            fallback=self.policy.fallback,
            breaker=self.policy.breaker.name if self.policy.breaker else None,
            when_open=self.policy.breaker.when_open if self.policy.breaker else None,
            webhook=self.policy.webhook,
            mcp=self.policy.mcp,
        )
        try:
            return msgspec.json.decode(msgspec.json.encode(record), type=KindRecord)
        except msgspec.ValidationError as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error

    def _check(self) -> None:
        where = f"job {self.kind}"
        if (fault := function_fault(self.function)) is not None:
            raise JobDefinitionError(f"{where}: {fault}")
        if self.kind == "<lambda>":
            raise JobDefinitionError(f"{where}: a lambda has no name; write a `def`, or @job(name=…)")
        for fault in self.policy.faults():
            raise JobDefinitionError(f"{where}: {fault}")

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers its jobs may belong to."""
        return (self.tier,) if self.route is None else (self.route.otherwise, self.route.then)

    @property
    def limit_by(self) -> str | None:
        """The template whose value each of its limits belongs to; None: one limit for all its jobs."""
        said = self.policy.limit_by
        return said if said is None or "{" in said else f"{{{said}}}"

    def _plan(self) -> DependencyPlan | None:
        try:
            return plan_of(self.function)
        except NameError as error:
            raise JobDefinitionError(
                f"job {self.kind}: the type {error.name} in its hints is not known at run time; import it at the top "
                "of the module, outside of `if TYPE_CHECKING`"
            ) from error
        except DependencyDefinitionError as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error

    def _input(self) -> InputSchema:
        filled = frozenset[str]() if self.dependencies is None else self.dependencies.parameters
        try:
            return InputSchema.of(self.function, self.kind, filled)
        except TypeError as error:
            raise JobDefinitionError(str(error)) from error

    def _yields(self) -> GeneratorItems | None:
        try:
            return GeneratorItems.of(self.function, typing.get_type_hints(self.function, include_extras=True))
        except TypeError as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error

    def _upcasts(self) -> Upcasts:
        try:
            return Upcasts(self.policy.version, self.policy.upcast)
        except (ValueError, TypeError) as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error

    def _check_fields(self) -> None:
        if self.policy.fallback == self.kind:
            raise JobDefinitionError(f"job {self.kind}: fallback is the kind itself; name another")
        try:
            InputTemplate.of(self.policy.unique or "", self.input.schema)
            InputTemplate.of(self.limit_by or "", self.input.schema)
            if self.route is not None:
                check_field(self.route, self.input.schema)
        except ValueError as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error

    def _schedule(self) -> Schedule | None:
        try:
            schedule = Schedule.of(self.policy)
        except ValueError as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error
        if schedule is not None and (missing := self.input.required):
            raise JobDefinitionError(
                f"job {self.kind}: it recurs, and runs without an input; give a default to: {', '.join(missing)}"
            )
        return schedule

    def _mode(self) -> Literal["async", "thread", "process"]:
        is_async = is_async_handler(self.function)
        if self.policy.run_in == "process":
            if is_async:
                raise JobDefinitionError(f"job {self.kind}: run_in='process' takes a plain function, not an async one")
            return "process"
        return "async" if is_async else "thread"
