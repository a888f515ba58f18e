"""The input of a task's job: its arguments, signed by the project.

A task trusts its caller, who is the project itself. Without a signature any client that may submit jobs could run any
task with any arguments.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.core.signing import BadSignature, Signer
from django.utils.json import normalize_json

from tidings.errors import Reject

_SALT = "tidings.django.task"


def task_input(kind: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of the job of a task.

    Args:
        kind: the task's path, which is the job's kind.
        args: what the task is called with.
        kwargs: the same by name.

    Raises:
        TypeError: an argument has no form in JSON.
        ValueError: the same, of a number such as NaN.

    """
    said = {"args": normalize_json(list(args)), "kwargs": normalize_json(dict(kwargs))}
    return {**said, "signature": _signature(kind, said)}


def check_signature(kind: str, args: list[Any], kwargs: dict[str, Any], signature: str) -> None:
    """Refuse a job that the project did not submit.

    Raises:
        Reject: the signature is not the project's.

    """
    text = _text(kind, {"args": args, "kwargs": kwargs})
    try:
        Signer(salt=_SALT).unsign(f"{text}:{signature}")
    except BadSignature:
        raise Reject(
            "this job does not come from the project: its signature is not made with SECRET_KEY or a key of "
            "SECRET_KEY_FALLBACKS"
        ) from None


def _signature(kind: str, said: dict[str, Any]) -> str:
    return Signer(salt=_SALT).signature(_text(kind, said))


def _text(kind: str, said: dict[str, Any]) -> str:
    """Return what is signed: the same text before and after the way through the store."""
    return msgspec.json.encode([kind, said], order="deterministic").decode()
