"""The call of a handler: from an input to arguments, from what it returns to JSON; the same in every process."""

import inspect
from typing import Any

import msgspec

from tidings.context.context import Context
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.declare.upcasts import UpcastError
from tidings.protocol.decoding.json_pointer import split_msgspec
from tidings.protocol.problems import problem
from tidings.schema.codec import encode
from tidings_worker.outcome.error_text import safe_text
from tidings_worker.outcome.errors import FinalError, result_too_large


def arguments_of(
    job: Job[Any, Any], raw: bytes | msgspec.Raw, context: Context | SyncContext | None, version: int
) -> dict[str, Any]:
    """Return the handler's keyword arguments.

    Args:
        job: the kind.
        raw: the input.
        context: what the handler gets as its context.
        version: of the kind, for which the input was checked when it was queued.

    Raises:
        FinalError: the input does not fit the handler's parameters, or its upcasts fail.

    """
    try:
        arguments = job.input.arguments(job.upcasts.bring_up(raw, version))
    except UpcastError as error:
        detail = f"the input is of version {version}, and the handler takes version {job.upcasts.version}: {error}"
        raise FinalError(problem("handler_error", detail)) from (error.__cause__ or error)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        what, where = split_msgspec(safe_text(error))
        raise FinalError(problem("invalid_input", what, field="/input" + where)) from error
    if job.input.context:
        arguments[job.input.context] = context
    return arguments


def result_json(result: Any, most: int) -> bytes:
    """Return what a handler returned as JSON.

    Args:
        result: any value.
        most: bytes that are kept.

    Raises:
        TypeError: the result is a coroutine.
        FinalError: the result has no form in JSON, with the place; or it is larger than `most`.

    """
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("the handler returned a coroutine, not its result: await it there")
    try:
        encoded = encode(result)
    except TypeError as error:
        raise FinalError(problem("handler_error", f"what the handler returned: {safe_text(error)}")) from error
    if len(encoded) > most:
        raise result_too_large(len(encoded), most)
    return encoded
