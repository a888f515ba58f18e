"""The cases of the Autobahn test suite by their numbers, for a server that does not echo.

Where the suite has a text echoed, an `unwatch` of our protocol of the same size is sent, whose token holds the text
and which spaces make as long: its `done` shows that the text arrived whole. A binary message, and a text that is no
JSON, are answered by an `error`; they show that the message was taken as one, and the connection lives on.

Source: https://github.com/crossbario/autobahn-testsuite (the numbers, and what each is about)
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from conformance.raw import close
from support.wire.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

LIMIT = 1_048_576
"""`max_frame_bytes`: what a message may have."""

Expectation = tuple[str, object]
"""`("answer", ref)`, `("error", ref or None)`, `("pong", payload)` or `("close", allowed codes)`, which comes last."""


class Case(NamedTuple):
    """What is sent, and what must come back, in order, and nothing else."""

    number: str
    meaning: str
    send: list[bytes] | Callable[[], list[bytes]]
    """What is large is made when it is sent: every process of the tests imports all cases."""
    expect: list[Expectation]

    def sent(self) -> list[bytes]:
        """Return what is sent."""
        return self.send() if callable(self.send) else self.send


def said(ref: int, size: int = 0, pad: str = "") -> bytes:
    """Return an `unwatch` of `size` bytes at the least, with a given text in it."""
    text = json.dumps({"type": "unwatch", "ref": ref, "token": pad}, ensure_ascii=False).encode()
    return text[:-1] + b" " * (size - len(text)) + text[-1:]


def octets(*frames: bytes) -> list[bytes]:
    """Return the same a byte at a time."""
    return [bytes([one]) for one in b"".join(frames)]


def fragments(opcode: int, data: bytes, size: int) -> list[bytes]:
    """Return a message as frames of `size` bytes."""
    starts = range(0, len(data), size)
    return [
        frame(CONTINUATION if start else opcode, data[start : start + size], fin=start + size >= len(data))
        for start in starts
    ]


def chops(data: bytes, size: int) -> list[bytes]:
    """Return the same in pieces of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def answer(ref: int) -> Expectation:
    """Expect the `done` to an `unwatch` of ours."""
    return ("answer", ref)


ERROR: Expectation = ("error", None)
BROKEN: Expectation = ("close", {1002})
NOT_UTF8: Expectation = ("close", {1007})
TOO_LARGE: Expectation = ("close", {1009})


def framing() -> Iterator[Case]:
    """Section 1."""
    yield Case("1.1.1", "a text of 0 bytes", [frame(TEXT)], [ERROR])
    sizes = (125, 126, 127, 128, 65_535, 65_536)
    for index, size in enumerate(sizes, start=2):
        yield Case(f"1.1.{index}", f"a text of {size} bytes", [frame(TEXT, said(1, size))], [answer(1)])
    yield Case("1.1.8", "a text of 65536 bytes in pieces of 997", chops(frame(TEXT, said(1, 65_536)), 997), [answer(1)])
    for index, size in enumerate((0, *sizes), start=1):
        yield Case(f"1.2.{index}", f"a binary message of {size} bytes", [frame(BINARY, b"\xfe" * size)], [ERROR])
    yield Case("1.2.8", "the same in pieces of 997", chops(frame(BINARY, b"\xfe" * 65_536), 997), [ERROR])


def pings() -> Iterator[Case]:
    """Section 2."""
    yield Case("2.1", "a ping without payload", [frame(PING)], [("pong", b"")])
    yield Case("2.2", "a ping with text", [frame(PING, b"Hello, world!")], [("pong", b"Hello, world!")])
    octal = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield Case("2.3", "a ping with bytes that are no text", [frame(PING, octal)], [("pong", octal)])
    most = b"\xfe" * 125
    yield Case("2.4", "a ping of 125 bytes", [frame(PING, most)], [("pong", most)])
    yield Case("2.5", "a ping of 126 bytes", [frame(PING, most + b"\xfe")], [BROKEN])
    yield Case("2.6", "a ping of 125 bytes, a byte at a time", octets(frame(PING, most)), [("pong", most)])
    yield Case("2.7", "a pong nobody asked for", [frame(PONG)], [])
    yield Case("2.8", "the same with payload", [frame(PONG, b"unsolicited")], [])
    yield Case("2.9", "the same, then a ping", [frame(PONG, b"unsolicited"), frame(PING, b"ping")], [("pong", b"ping")])
    ten = [f"payload-{n}".encode() for n in range(10)]
    yield Case("2.10", "ten pings", [frame(PING, one) for one in ten], [("pong", one) for one in ten])
    yield Case(
        "2.11",
        "ten pings, a byte at a time",
        octets(*(frame(PING, one) for one in ten)),
        [("pong", one) for one in ten],
    )


def reserved() -> Iterator[Case]:
    """Sections 3 and 4."""
    text, ping = frame(TEXT, said(1)), frame(PING)
    yield Case("3.1", "a text with reserved bits 1", [frame(TEXT, said(1), rsv=1)], [BROKEN])
    for number, rsv, sent in (
        ("3.2", 2, [b"".join((text, frame(TEXT, said(2), rsv=2), ping))]),
        ("3.3", 3, [text, frame(TEXT, said(2), rsv=3), ping]),
        ("3.4", 4, octets(text, frame(TEXT, said(2), rsv=4), ping)),
    ):
        yield Case(number, f"a text, one with reserved bits {rsv}, a ping", sent, [answer(1), BROKEN])
    yield Case("3.5", "a binary message with reserved bits 5", [frame(BINARY, b"\xff", rsv=5)], [BROKEN])
    yield Case("3.6", "a ping with reserved bits 6", [frame(PING, b"x", rsv=6)], [BROKEN])
    yield Case("3.7", "a close with reserved bits 7", [frame(CLOSE, rsv=7)], [BROKEN])
    for group, first in ((1, 3), (2, 11)):
        for index in range(1, 6):
            opcode = first + index - 1
            bad = frame(opcode, b"x" * (index % 2))
            sent, expect = ([bad], [BROKEN]) if index < 3 else ([text, bad, ping], [answer(1), BROKEN])
            yield Case(f"4.{group}.{index}", f"the reserved opcode {opcode}", sent, expect)


def fragmentation() -> Iterator[Case]:
    """Section 5."""
    yield Case("5.1", "a ping in two fragments", [frame(PING, b"a", fin=False), frame(CONTINUATION, b"b")], [BROKEN])
    yield Case("5.2", "a pong in two fragments", [frame(PONG, b"a", fin=False), frame(CONTINUATION, b"b")], [BROKEN])
    two = fragments(TEXT, said(1, 60), 30)
    yield Case("5.3", "a text in two fragments, at once", [b"".join(two)], [answer(1)])
    yield Case("5.4", "the same, one after the other", two, [answer(1)])
    yield Case("5.5", "the same, a byte at a time", octets(*two), [answer(1)])
    between = [two[0], frame(PING, b"between"), two[1]]
    for number, how, sent in (
        ("5.6", "at once", [b"".join(between)]),
        ("5.7", "one after the other", between),
        ("5.8", "a byte at a time", octets(*between)),
    ):
        yield Case(number, f"a ping between two fragments, {how}", sent, [("pong", b"between"), answer(1)])
    for first, fin in ((9, True), (12, False)):
        lone, text = frame(CONTINUATION, b"nothing before", fin=fin), frame(TEXT, said(1))
        what = f"a continuation ({'last' if fin else 'not last'}) of nothing, then a text"
        for offset, sent in enumerate(([lone + text], [lone, text], octets(lone, text))):
            yield Case(f"5.{first + offset}", what, sent, [BROKEN])
    yield Case(
        "5.15",
        "a text in two fragments, a continuation that is not last, a text",
        [*two, frame(CONTINUATION, b"x", fin=False), frame(TEXT, said(2))],
        [answer(1), BROKEN],
    )
    for number, fin in (("5.16", False), ("5.17", True)):
        sent = [frame(CONTINUATION, b"x", fin=fin), *two] * 2
        yield Case(number, "twice a continuation of nothing and a text in two fragments", sent, [BROKEN])
    started = [frame(TEXT, b"a", fin=False), frame(TEXT, b"b")]
    yield Case("5.18", "a text within the fragments of another", started, [BROKEN])
    five = fragments(TEXT, said(1, 100), 20)
    mixed = [five[0], five[1], frame(PING, b"one"), five[2], five[3], frame(PING, b"two"), five[4]]
    expect = [("pong", b"one"), ("pong", b"two"), answer(1)]
    yield Case("5.19", "five fragments with pings between", mixed, expect)
    yield Case("5.20", "the same, a byte at a time", octets(*mixed), expect)


def unicode() -> Iterator[Case]:
    """Section 6."""
    yield Case("6.1.1", "an empty text", [frame(TEXT)], [ERROR])
    empty = [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION)]
    yield Case("6.1.2", "a text of three empty fragments", empty, [ERROR])
    middle = [frame(TEXT, fin=False), frame(CONTINUATION, said(1), fin=False), frame(CONTINUATION)]
    yield Case("6.1.3", "the same with a middle that is not", middle, [answer(1)])
    hello = said(1, pad="Hello-µ@ßöäüàá-UTF-8!!")
    cut = hello.index("ß".encode())
    yield Case("6.2.1", "UTF-8", [frame(TEXT, hello)], [answer(1)])
    halves = [frame(TEXT, hello[:cut], fin=False), frame(CONTINUATION, hello[cut:])]
    yield Case("6.2.2", "UTF-8 in two fragments, cut between characters", halves, [answer(1)])
    yield Case("6.2.3", "UTF-8 in fragments of a byte", fragments(TEXT, hello, 1), [answer(1)])
    kosme = said(1, pad="κόσμε")
    yield Case("6.2.4", "the same of Greek", fragments(TEXT, kosme, 1), [answer(1)])
    bad = bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564")
    yield Case("6.3.1", "no UTF-8", [frame(TEXT, bad)], [NOT_UTF8])
    yield Case("6.3.2", "no UTF-8 in fragments of a byte", fragments(TEXT, bad, 1), [NOT_UTF8])
    greek, rest = bad[:11], b"edited"
    for number, middle_ in (("6.4.1", "f4908080"), ("6.4.2", "eda080")):
        parts = [
            frame(TEXT, greek, fin=False),
            frame(CONTINUATION, bytes.fromhex(middle_), fin=False),
            frame(CONTINUATION, rest),
        ]
        yield Case(number, "no UTF-8 in the second of three fragments", parts, [NOT_UTF8])
    whole = frame(TEXT, greek + bytes.fromhex("f4908080") + rest)
    yield Case("6.4.3", "no UTF-8 in the second of three pieces", chops(whole, len(whole) // 3 + 1), [NOT_UTF8])
    yield Case("6.4.4", "no UTF-8, a byte at a time", octets(whole), [NOT_UTF8])
    yield from _sequences()


# By number: hexadecimal bytes, as in M. Kuhn's UTF-8 decoder stress test, which the suite follows.
GOOD = {
    "6.5.1": "6865", "6.5.2": "68656c6c6f", "6.5.3": "cebae1bdb9cf83cebcceb5", "6.5.4": "c39f", "6.5.5": "e282ac",
    "6.6.2": "ceba", "6.6.5": "cebae1bdb9", "6.6.7": "cebae1bdb9cf83", "6.6.9": "cebae1bdb9cf83cebc",
    "6.6.11": "cebae1bdb9cf83cebcceb5",
    "6.7.2": "c280", "6.7.3": "e0a080", "6.7.4": "f0908080",
    "6.9.1": "7f", "6.9.2": "dfbf", "6.9.3": "efbfbf", "6.9.4": "f48fbfbf",
    "6.11.1": "ed9fbf", "6.11.2": "ee8080", "6.11.3": "efbfbd", "6.11.4": "f48fbfbf",
    "6.22.1": "efbfbe", "6.22.2": "efbfbf", "6.22.3": "f09fbfbe", "6.22.4": "f09fbfbf", "6.22.5": "f0afbfbe",
    "6.22.34": "f48fbfbf", "6.23.1": "efbfb9", "6.23.2": "efbfba", "6.23.3": "efbfbb", "6.23.4": "efbfbc",
    "6.23.5": "efbfbd", "6.23.6": "efbfbe", "6.23.7": "efbfbf",
}  # fmt: skip
BAD = {
    "6.6.1": "ce", "6.6.3": "cebae1", "6.6.4": "cebae1bd", "6.6.6": "cebae1bdb9cf", "6.6.8": "cebae1bdb9cf83ce",
    "6.6.10": "cebae1bdb9cf83cebcce",
    "6.8.1": "f888808080", "6.8.2": "fc8480808080", "6.10.1": "f7bfbfbf", "6.10.2": "fbbfbfbfbf",
    "6.10.3": "fdbfbfbfbfbf", "6.11.5": "f4908080",
    "6.12.1": "80", "6.12.2": "bf", "6.12.3": "80bf", "6.12.4": "80bf80", "6.12.5": "80bf80bf", "6.12.6": "80bf80bf80",
    "6.12.7": "80bf80bf80bf", "6.12.8": bytes(range(0x80, 0xC0)).hex(),
    "6.13.1": b" ".join(bytes([n]) for n in range(0xC0, 0xE0)).hex(),
    "6.13.2": b" ".join(bytes([n]) for n in range(0xE0, 0xF0)).hex(),
    "6.13.3": b" ".join(bytes([n]) for n in range(0xF0, 0xF8)).hex(),
    "6.13.4": "f820f920fa20fb20", "6.13.5": "fc20fd20",
    "6.14.1": "c0", "6.14.2": "e080", "6.14.3": "f08080", "6.14.4": "f8808080", "6.14.5": "fc80808080",
    "6.14.6": "df", "6.14.7": "efbf", "6.14.8": "f7bfbf", "6.14.9": "fbbfbfbf", "6.14.10": "fdbfbfbfbf",
    "6.15.1": "c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf",
    "6.16.1": "fe", "6.16.2": "ff", "6.16.3": "fefeffff",
    "6.17.1": "c0af", "6.17.2": "e080af", "6.17.3": "f08080af", "6.17.4": "f8808080af", "6.17.5": "fc80808080af",
    "6.18.1": "c1bf", "6.18.2": "e09fbf", "6.18.3": "f08fbfbf", "6.18.4": "f887bfbfbf", "6.18.5": "fc83bfbfbfbf",
    "6.19.1": "c080", "6.19.2": "e08080", "6.19.3": "f0808080", "6.19.4": "f880808080", "6.19.5": "fc8080808080",
    "6.20.1": "eda080", "6.20.2": "edadbf", "6.20.3": "edae80", "6.20.4": "edafbf", "6.20.5": "edb080",
    "6.20.6": "edbe80", "6.20.7": "edbfbf",
    "6.21.1": "eda080edb080", "6.21.2": "eda080edbfbf", "6.21.3": "edadbfedb080", "6.21.4": "edadbfedbfbf",
    "6.21.5": "edae80edb080", "6.21.6": "edae80edbfbf", "6.21.7": "edafbfedb080", "6.21.8": "edafbfedbfbf",
}  # fmt: skip


def _sequences() -> Iterator[Case]:
    before, after = said(1)[:-2], said(1)[-2:]
    yield Case(
        "6.7.1", "U+0000, which JSON does not allow unescaped", [frame(TEXT, before + b"\0" + after)], [("error", 1)]
    )
    for number, sequence in GOOD.items():
        text = before + bytes.fromhex(sequence) + after
        yield Case(number, f"the UTF-8 sequence {sequence}", [frame(TEXT, text)], [answer(1)])
    for number, sequence in BAD.items():
        text = before + bytes.fromhex(sequence) + after
        yield Case(number, f"the bytes {sequence[:24]}, no UTF-8", [frame(TEXT, text)], [NOT_UTF8])


def closing() -> Iterator[Case]:
    """Section 7."""
    text, done = frame(TEXT, said(1)), ("close", {1000})
    yield Case("7.1.1", "a text, then a close", [text, close(1000)], [answer(1), done])
    yield Case("7.1.2", "two closes", [close(1000), close(1000)], [done])
    yield Case("7.1.3", "a ping after the close", [close(1000), frame(PING, b"late")], [done])
    yield Case("7.1.4", "a text after the close", [close(1000), text], [done])
    halves = fragments(TEXT, said(1, 60), 30)
    # Either is right: the close is in its place, and the message it cuts off will never be whole.
    either: Expectation = ("close", {1000, 1002})
    yield Case("7.1.5", "a close between two fragments", [halves[0], close(1000), halves[1]], [either])
    large = frame(TEXT, said(1, 262_144))
    yield Case("7.1.6", "a large text, a close, a ping", [large, close(1000), frame(PING)], [answer(1), done])
    yield Case("7.3.1", "a close without payload", [close()], [("close", {None, 1000})])
    yield Case("7.3.2", "a close with one byte", [frame(CLOSE, b"\x03")], [BROKEN])
    yield Case("7.3.3", "a close with a code", [close(1000)], [done])
    yield Case("7.3.4", "a close with code and reason", [close(1000, b"Hello World!")], [done])
    yield Case("7.3.5", "a close with a reason of 123 bytes", [close(1000, b"*" * 123)], [done])
    yield Case("7.3.6", "a close with a reason of 124 bytes", [close(1000, b"*" * 124)], [BROKEN])
    bad = bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564")
    yield Case("7.5.1", "a close with a reason that is no UTF-8", [close(1000, bad)], [NOT_UTF8])
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for index, code in enumerate(valid, start=1):
        yield Case(f"7.7.{index}", f"a close with {code}", [close(code)], [("close", {code})])
    for index, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), start=1):
        yield Case(f"7.9.{index}", f"a close with {code}, which none may have", [close(code)], [BROKEN])
    for index, code in enumerate((5000, 65_535), start=1):
        yield Case(f"7.13.{index}", f"a close with {code}, which means nothing", [close(code)], [BROKEN])


def sizes() -> Iterator[Case]:
    """Sections 9 and 10; where the suite goes to 16 MB, ours ends at the limit, and what is larger at 1009."""
    for index, kib in enumerate((64, 256, 1024, 4096, 8192, 16_384), start=1):
        size = kib * 1024
        fits = size <= LIMIT
        yield Case(
            f"9.1.{index}", f"a text of {kib} KiB", partial(_whole, TEXT, size), [answer(1) if fits else TOO_LARGE]
        )
        yield Case(
            f"9.2.{index}",
            f"a binary message of {kib} KiB",
            partial(_whole, BINARY, size),
            [ERROR if fits else TOO_LARGE],
        )
    for index, size in enumerate((64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576), start=1):
        what = f"of the largest size in fragments of {size} bytes"
        yield Case(f"9.3.{index}", f"a text {what}", partial(_joined, TEXT, LIMIT, size), [answer(1)])
        yield Case(f"9.4.{index}", f"a binary message {what}", partial(_joined, BINARY, LIMIT, size), [ERROR])
    over = partial(_joined, TEXT, LIMIT + 1, 65_536)
    yield Case("9.3.9", "a text of a byte more than the limit in fragments that each fit", over, [TOO_LARGE])
    for index, size in enumerate((64, 128, 256, 512, 1024, 2048), start=1):
        what = f"of the largest size in pieces of {size} bytes"
        yield Case(f"9.5.{index}", f"a text {what}", partial(_chopped, TEXT, size), [answer(1)])
        yield Case(f"9.6.{index}", f"a binary message {what}", partial(_chopped, BINARY, size), [ERROR])
    for index, size in enumerate((0, 16, 64, 256, 1024, 4096), start=1):
        expect = [answer(n) if size >= 64 else ERROR for n in range(1000)]
        yield Case(f"9.7.{index}", f"1000 texts of {size} bytes", partial(_thousand, TEXT, size), expect)
        binary = partial(_thousand, BINARY, size)
        yield Case(f"9.8.{index}", f"1000 binary messages of {size} bytes", binary, [ERROR] * 1000)
    yield Case(
        "10.1.1", "a text of 65536 bytes in fragments of 1300", fragments(TEXT, said(1, 65_536), 1300), [answer(1)]
    )


def _large(opcode: int, size: int) -> bytes:
    return said(1, size) if opcode == TEXT else b"\xfe" * size


def _whole(opcode: int, size: int) -> list[bytes]:
    return [frame(opcode, _large(opcode, size))]


def _joined(opcode: int, total: int, size: int) -> list[bytes]:
    return [b"".join(fragments(opcode, _large(opcode, total), size))]


def _chopped(opcode: int, size: int) -> list[bytes]:
    return chops(frame(opcode, _large(opcode, LIMIT)), size)


def _thousand(opcode: int, size: int) -> list[bytes]:
    if opcode == BINARY:
        return [frame(BINARY, b"x" * size)] * 1000
    return [frame(TEXT, said(n, size) if size >= 64 else b"a" * size) for n in range(1000)]


def beyond() -> Iterator[Case]:
    """What the RFC asks for and the suite, whose own frames are always right in it, does not ask."""
    yield Case("rfc-5.1", "a frame that is not masked", [frame(TEXT, said(1), masked=False)], [BROKEN])
    yield Case(
        "rfc-5.2",
        "a length with its highest bit set",
        [b"\x81\xff" + b"\xff" * 8 + b"\0" * 4],
        [("close", {1002, 1009})],
    )


CASES = [
    case for section in (framing, pings, reserved, fragmentation, unicode, closing, sizes, beyond) for case in section()
]
