"""Command-line flags made from settings: each setting has a variable of the environment and a flag."""

import inspect
import operator
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import typer

from tidings.settings.settings import Setting, StoreSettings, settings_of


def with_flags(
    kind: type[StoreSettings], *, leave_out: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds a flag for each setting of `kind`: a keyword argument, None where not given."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        flags = [_parameter(setting) for setting in settings_of(kind) if setting.flag and setting.name not in leave_out]
        command.__signature__ = signature.replace(parameters=own + flags)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in own + flags} | {"return": None}
        return command

    return decorate


def environment_of(kind: type[StoreSettings], flags: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that say what flags say, for a child process: others could read its arguments."""
    given = {one.variable: flags[one.name] for one in settings_of(kind) if flags.get(one.name) is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def _parameter(setting: Setting) -> inspect.Parameter:
    unit = f" [{setting.unit}]" if setting.unit else ""
    option = typer.Option(
        setting.flag,
        help=f"{setting.meaning}{unit}",
        envvar=setting.variable,
        show_envvar=True,
        show_default=_shown(setting.default),
    )
    optional = _flag_type(setting.type) | None
    type_ = operator.getitem(Annotated, (optional, option))  # made at run time, which no checker follows
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=type_)


def _flag_type(type_: Any) -> Any:
    """Return the type that typer shows; the settings check the values, not typer."""
    if typing.get_origin(type_) in (tuple, Literal):
        return str
    return type_


def _shown(default: Any) -> str:
    if default is False or default in ((), ""):
        return "none"
    return f"{default:g}" if isinstance(default, float) else str(default)
