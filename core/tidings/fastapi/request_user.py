"""The user of a request, as the application's own dependency names it."""

from collections.abc import Callable
from typing import Any

from fastapi import HTTPException

UserDependency = Callable[..., Any]
"""A dependency of the application, plain or async, that returns the name of the request's user."""


def require_user(owner: object) -> str:
    """Return the user's name.

    Raises:
        HTTPException: 401: there is none. A client without an owner would be the server's own, which sees all jobs.
        TypeError: what the dependency returned is no text.

    """
    if owner is None or owner == "":
        raise HTTPException(401, "log in first")
    if not isinstance(owner, str):
        raise TypeError(f"the dependency of the user returns a name, not a {type(owner).__qualname__}")
    return owner
