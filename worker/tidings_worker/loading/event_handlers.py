"""Which handlers of events the served modules have, and which lifespan opens the state of each."""

import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from tidings.consumer.event_handler import EventHandler
from tidings.resources.lifespan import Lifespan

from .module_lifespans import lifespan_in


class HandlersCollideError(ValueError):
    """Two handlers of one group would get the same events; the text says which."""


def handlers_in(module: ModuleType) -> list[EventHandler]:
    """Return the handlers that a module defines or imports."""
    return list({id(value): value for value in vars(module).values() if isinstance(value, EventHandler)}.values())


def handlers_with_lifespans(
    modules: Iterable[ModuleType], lifespans: Sequence[Lifespan[Any]]
) -> tuple[list[EventHandler], list[Lifespan[Any]]]:
    """Return the handlers, each with the lifespan that opens its state; and all lifespans, in order.

    The lifespan of a handler is found as that of a job: in the module of its function, else in the module that the
    worker was given, else it is the only one of the worker.

    Raises:
        LifespanDefinitionError: a module has more than one.
        HandlersCollideError: two handlers of one group name the same events.

    """
    known = dict.fromkeys(lifespans)
    found: dict[int, EventHandler] = {}
    for module in modules:
        given = lifespan_in(module)
        for handler in handlers_in(module):
            home = sys.modules.get(getattr(handler.function, "__module__", ""))
            own = (None if home is None else lifespan_in(home)) or given
            if own is not None:
                known[own] = None
            found.setdefault(id(handler), handler if own is None else handler.under(own))
    handlers = list(found.values())
    if len(known) == 1:
        (only,) = known
        handlers = [one if one.lifespan is not None else one.under(only) for one in handlers]
    _check(handlers)
    return handlers, list(known)


def _check(handlers: Sequence[EventHandler]) -> None:
    named: dict[tuple[str, str, str], EventHandler] = {}
    for handler in handlers:
        for pattern in handler.patterns:
            for event in pattern.names:
                other = named.setdefault((handler.group, pattern.kinds, event), handler)
                if other is not handler:
                    raise HandlersCollideError(
                        f"the group {handler.group!r} has two handlers for {event} of {pattern.kinds}: "
                        f"{other.name} ({other.place}) and {handler.name} ({handler.place}). Give one of them another "
                        "group, if both are to get each event"
                    )
