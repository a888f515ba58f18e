"""Encodes values of users' types as JSON and decodes them, Pydantic models included where pydantic is installed."""

from collections.abc import Mapping
from typing import Any

import msgspec

from .integral import integral
from .lossless import find_loss, find_unwritable


def decode(raw: bytes | msgspec.Raw, type_: Any, schema: Mapping[str, Any] | None = None) -> Any:
    """Decode JSON strictly to a value of `type_`.

    A value that has passed the JSON Schema fits the type, but for one thing: JSON Schema takes `3.0` for an integer.
    So where strict decoding refuses a value, such numbers become integers first, and nothing else changes.

    Args:
        raw: the JSON.
        type_: the type of the value.
        schema: the JSON Schema of the type; None: `3.0` does not fit an integer.

    Raises:
        msgspec.ValidationError: the JSON does not fit the type.

    """
    try:
        return _decode(raw, type_)
    except msgspec.ValidationError:
        if schema is None:
            raise
        value = msgspec.json.decode(raw)
        whole = msgspec.json.encode(integral(value, schema))
    return _decode(whole, type_)


def encode(value: Any) -> bytes:
    """Return a value as JSON, without a loss.

    Raises:
        TypeError: JSON has no form for a part of the value; the message says for which, and where it is.

    """
    try:
        encoded = _encode(value)
        fault = None if type(value) is str else find_loss(value, has_nulls=b"null" in encoded)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:  # such as a list that holds itself
        place = find_unwritable(value, _encode)
        raise TypeError(f"this has no form in JSON: {place or error}") from error
    if fault is not None:
        raise TypeError(f"this has no form in JSON: {fault}")
    return encoded


def encode_chunk(chunk: Any, limit: int) -> str:
    """Return a log chunk as JSON text.

    Raises:
        ValueError: it is larger than `limit` bytes.
        TypeError: JSON has no form for it.

    """
    return _within(encode(chunk), limit)


def _within(encoded: bytes, limit: int) -> str:
    if len(encoded) > limit:
        raise ValueError(f"the chunk is {len(encoded)} bytes as JSON; at most {limit} are allowed: send it in parts")
    return encoded.decode()


def encode_progress(done: float | None, total: float | None, message: str | None, data: Any, limit: int) -> str:
    """Return progress as the JSON text of an event's data: fraction (0..1 or null), message, data.

    Raises:
        ValueError: the numbers make no fraction, or the progress is larger than `limit` bytes.
        TypeError: JSON has no form for `data`.

    """
    shown = {"fraction": fraction(done, total), "message": message, "data": data}
    if data is None and (message is None or type(message) is str):
        return _within(_encode(shown), limit)  # a fraction is finite: nothing in it could be lost
    return encode_chunk(shown, limit)


def fraction(done: float | None, total: float | None) -> float | None:
    """Return the fraction that is done, 0 to 1; None: unknown.

    Raises:
        ValueError: `total` is not above 0, or the fraction is not within 0 to 1.

    """
    if done is None:
        return None
    if total is not None:
        if not total > 0:
            raise ValueError(f"progress: total is {total}; it must be above 0")
        done = done / total
    if not 0 <= done <= 1:
        hint = "" if total is not None else "; give the total as well if this is a count"
        raise ValueError(f"progress: {done} is not within 0 to 1{hint}")
    return round(done, 6)


def is_pydantic(type_: Any) -> bool:
    """Return whether `type_` is a Pydantic model, without importing pydantic."""
    return isinstance(type_, type) and hasattr(type_, "model_json_schema") and hasattr(type_, "model_validate")


def _decode(raw: bytes | msgspec.Raw, type_: Any) -> Any:
    if is_pydantic(type_):
        try:
            return _read_model(type_, bytes(raw))
        except (ValueError, TypeError) as error:
            raise msgspec.ValidationError(str(error)) from error
    return msgspec.json.decode(raw, type=type_, dec_hook=_decode_foreign)


def _read_model(model: Any, raw: bytes) -> Any:
    """Return JSON as a Pydantic model, read in strict mode, or else in lax mode.

    A validator of the model that runs first may hand on a value that only the lax mode takes. The lax mode would also
    convert texts to other types; but the schema with its formats has refused such texts before.
    """
    try:
        return model.model_validate_json(raw, strict=True)
    except ValueError:
        return model.model_validate_json(raw)


def _decode_foreign(type_: type, value: Any) -> Any:
    if is_pydantic(type_):
        return _read_model(type_, msgspec.json.encode(value))
    raise NotImplementedError(f"the type {type_.__qualname__} has no form in JSON")


def _encode_foreign(value: Any) -> Any:
    if is_pydantic(type(value)):
        dumped = value.model_dump(mode="json")
        fault = find_loss(dumped, has_nulls=True)
        if fault is not None:
            raise TypeError(f"a {type(value).__name__} has no form in JSON: {fault}")
        return dumped
    raise TypeError(f"a {type(value).__qualname__} has no form in JSON")


_encode = msgspec.json.Encoder(enc_hook=_encode_foreign).encode
