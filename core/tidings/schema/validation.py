"""The engine that checks inputs against the JSON Schema of their kind: in servers, and in workers that have it.

A worker registers the schema, and the server does not trust it: the engine follows no reference to another document,
and matches patterns in time linear in the input. Lookaround and back-references have no linear algorithm: a schema with
such a pattern gets the engine that backtracks, with a bound on its steps; a text that needs more steps does not match.
"""

from typing import TYPE_CHECKING, Any

from .formats import FORMATS
from .schema_limits import check_bounds

if TYPE_CHECKING:
    import jsonschema_rs

BACKTRACK_LIMIT = 10_000
"""Backtracking steps of one match of one pattern."""

PATTERN_BYTES = 10_485_760
"""Size of one compiled pattern, bytes."""


class NoEngineError(Exception):
    """The package `jsonschema-rs` is not installed, as in an environment with nothing but workers."""


def compile_schema(schema: Any) -> "jsonschema_rs.Validator":
    """Return a validator for a schema.

    Args:
        schema: decoded JSON.

    Raises:
        ValueError: the engine cannot use the schema; the message says why in one line.
        NoEngineError: there is no engine.

    """
    try:
        import jsonschema_rs  # noqa: PLC0415 - a worker need not have it
    except ImportError as error:
        raise NoEngineError(str(error)) from error
    if not isinstance(schema, dict):
        raise ValueError("the schema is no JSON object")  # noqa: TRY004 - a fault of the value, not of the call
    check_bounds(schema)
    linear = jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
    bounded = jsonschema_rs.FancyRegexOptions(
        backtrack_limit=BACKTRACK_LIMIT, size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES
    )
    try:
        return _compile(schema, linear)
    except ValueError:
        return _compile(schema, bounded)


def _compile(schema: dict[str, Any], patterns: Any) -> "jsonschema_rs.Validator":
    import jsonschema_rs  # noqa: PLC0415

    try:
        return jsonschema_rs.validator_for(
            schema, formats=FORMATS, validate_formats=True, offline=True, pattern_options=patterns
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
