"""Tidings: submit work, get a token at once, have the tidings pushed to you."""

from typing import TYPE_CHECKING, Any

from .circuit.breaker import Breaker
from .circuit.circuit_open import CircuitOpenError
from .consumer.consumed_event import ConsumedEvent as Event
from .consumer.event_handler import EventHandler, HandlerDefinitionError, on
from .context.context import Context
from .context.sync_context import SyncContext
from .declare.declared_kind import declare_json_kind, declare_kind
from .declare.job import Job, JobDefinitionError
from .declare.job_decorator import job
from .declare.tier_selectors import by_field, by_size
from .errors import Reject, Retry, StoppedError
from .kind import Kind
from .protocol.problems import Problem, ProblemError
from .protocol.states import State
from .resources.depends import DependencyDefinitionError, Depends
from .resources.lifespan import Lifespan, LifespanDefinitionError, lifespan
from .saga.step_errors import SagaUseError, SignalTimeout, StepError
from .settings.settings import SettingsError
from .streams.handler_result import Result
from .streams.stream_errors import StreamError, StreamFullError

if TYPE_CHECKING:
    from .client import (
        Client,
        ClientError,
        ConnectionFailed,
        ConnectionLost,
        JobCancelled,
        JobExpired,
        JobFailed,
        NotWatched,
        ReaderTooSlow,
        StreamIncomplete,
        StreamReset,
        SubmitOptions,
        SyncClient,
    )

__all__ = [
    "Breaker",
    "CircuitOpenError",
    "Client",
    "ClientError",
    "ConnectionFailed",
    "ConnectionLost",
    "Context",
    "DependencyDefinitionError",
    "Depends",
    "Event",
    "EventHandler",
    "HandlerDefinitionError",
    "Job",
    "JobCancelled",
    "JobDefinitionError",
    "JobExpired",
    "JobFailed",
    "Kind",
    "Lifespan",
    "LifespanDefinitionError",
    "NotWatched",
    "Problem",
    "ProblemError",
    "ReaderTooSlow",
    "Reject",
    "Result",
    "Retry",
    "SagaUseError",
    "SettingsError",
    "SignalTimeout",
    "State",
    "StepError",
    "StoppedError",
    "StreamError",
    "StreamFullError",
    "StreamIncomplete",
    "StreamReset",
    "SubmitOptions",
    "SyncClient",
    "SyncContext",
    "by_field",
    "by_size",
    "declare_json_kind",
    "declare_kind",
    "job",
    "lifespan",
    "on",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the client when it is first asked for: workers and servers need none."""
    if name in __all__:
        from . import client  # noqa: PLC0415

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
