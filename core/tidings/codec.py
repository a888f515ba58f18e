"""Values of users' types to JSON and back, Pydantic models included where pydantic is installed."""

from typing import Any

import msgspec


def decode(raw: bytes | msgspec.Raw, type_: Any) -> Any:
    """Return JSON as a value of `type_`.

    What passed the JSON Schema fits the type but for one thing: JSON has one kind of number, and
    `3.0` is an integer there. So what strict decoding refuses is tried leniently.

    Raises:
        msgspec.ValidationError: it does not fit.

    """
    try:
        return msgspec.json.decode(raw, type=type_, dec_hook=_decode_foreign)
    except msgspec.ValidationError:
        return msgspec.json.decode(raw, type=type_, dec_hook=_decode_foreign, strict=False)


def encode(value: Any) -> bytes:
    """Return a value as JSON.

    Raises:
        TypeError: it holds something that JSON has no form for.

    """
    try:
        return _encode(value)
    except (ValueError, RecursionError) as error:  # such as a list that holds itself
        raise TypeError(f"this has no form in JSON: {error}") from error


def encode_chunk(chunk: Any, limit: int) -> str:
    """Return a log chunk as JSON text.

    Raises:
        ValueError: it is larger than `limit` bytes.
        TypeError: it has no form in JSON.

    """
    encoded = encode(chunk)
    if len(encoded) > limit:
        raise ValueError(f"the chunk is {len(encoded)} bytes as JSON; at most {limit} are allowed: send it in parts")
    return encoded.decode()


def encode_progress(done: float | None, total: float | None, message: str | None, data: Any, limit: int) -> str:
    """Return progress as the JSON text of an event's data: fraction (0..1 or null), message, data.

    Raises:
        ValueError: the numbers make no fraction, or it is larger than `limit` bytes.
        TypeError: `data` has no form in JSON.

    """
    return encode_chunk({"fraction": fraction(done, total), "message": message, "data": data}, limit)


def fraction(done: float | None, total: float | None) -> float | None:
    """Return how much is done, 0 to 1, or None where that is unknown.

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


def _decode_foreign(type_: type, value: Any) -> Any:
    if is_pydantic(type_):
        return type_.model_validate(value)  # type: ignore[attr-defined]
    raise NotImplementedError(f"the type {type_.__qualname__} has no form in JSON")


def _encode_foreign(value: Any) -> Any:
    if is_pydantic(type(value)):
        return value.model_dump(mode="json")
    raise TypeError(f"a {type(value).__qualname__} has no form in JSON")


_encode = msgspec.json.Encoder(enc_hook=_encode_foreign).encode
