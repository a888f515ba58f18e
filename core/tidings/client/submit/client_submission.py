"""A submission: what a call of `submit` says, by the name of a kind or by its `@job`."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import msgspec

from tidings.client.handle import ReadResult
from tidings.kind import Kind
from tidings.protocol.grants import GrantRequest

from .submit_options import SubmitOptions, input_of

UNSET = msgspec.UNSET


class ClientSubmission(NamedTuple):
    """What is to be submitted."""

    kind: str
    input: Any
    options: SubmitOptions | None = None
    watch: bool | None = None
    """Whether the handle follows the job; None: as `options` say."""
    grant: bool | GrantRequest | None = None
    """Whether the ack brings a grant; None: as `options` say."""
    owner: str | None = None
    """For whom it is; None: as `options` say."""
    read_result: ReadResult | None = None
    """How the handle reads the result; None: as JSON gives it."""

    def with_default(self, options: SubmitOptions) -> Self:
        """Return it with these options, if it has none of its own."""
        return self if self.options is not None else self._replace(options=options)


def checked_options(options: SubmitOptions) -> SubmitOptions:
    """Return the options.

    Raises:
        TypeError: they are no `SubmitOptions`.

    """
    if not isinstance(options, SubmitOptions):
        raise TypeError(f"with_options() takes SubmitOptions(…), not a {type(options).__qualname__}")
    return options


def submission_of(kind: Any, args: Sequence[Any], said: dict[str, Any], fields: dict[str, Any]) -> ClientSubmission:
    """Return what a call of `submit` says.

    Args:
        kind: the name of a kind, or its `@job`.
        args: what follows it: for a `@job` the handler's arguments, for a name the input or nothing.
        said: `options`, `watch`, `grant` and `owner`, each as it was given or UNSET. A `@job` may have fields of these
            names.
        fields: the other keyword arguments.

    Raises:
        TypeError: the handler of the `@job` does not take these arguments, or options stand among them; a name has
            more than one input, or fields and options are mixed.

    """
    given = {name: value for name, value in said.items() if value is not UNSET}
    if not isinstance(kind, Kind):
        if len(args) > 1:
            raise TypeError(f"submit({kind!r}, …) takes one input, or its fields by name; this has {len(args)}")
        return ClientSubmission(kind, input_of(args[0] if args else None, fields), **given)
    for name in given:
        if not kind.takes(name):
            raise TypeError(
                f"submit() takes the arguments of the job {kind.kind}, and {name} is none of them: for options write "
                f"client.with_options(SubmitOptions(…)).submit({kind.kind}, …)"
            )
    value = kind.input_of(args, {**fields, **given})
    return ClientSubmission(kind.kind, value, read_result=kind.result_of)
