"""Texts of MessagePack that need not be UTF-8: what stands in a store may be anything."""


def text_bytes(raw: bytes) -> bytes:
    """Return the bytes of a text of MessagePack, which need not be UTF-8.

    Source: https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family
    """
    head = {0xD9: 2, 0xDA: 3, 0xDB: 5}.get(raw[0], 1)
    return raw[head:]
