import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tidings.protocol import random_text as module
from tidings.protocol.random_text import random_text

COUNT = 600  # more than two blocks


def in_copy(fork_again: bool) -> tuple[list[str], list[str]]:
    """Draw texts in a process that was forked from this one; return them with those drawn here before and after."""
    before = [random_text() for _ in range(3)]  # so that a block is open
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if fork_again and (grandchild := os.fork()):
                os.waitpid(grandchild, 0)
            os.write(writer, b"".join(f"{random_text()}\n".encode() for _ in range(COUNT)))
        finally:
            os._exit(0)
    os.close(writer)
    here = before + [random_text() for _ in range(COUNT)]
    with os.fdopen(reader) as said:
        there = said.read().split()
    os.waitpid(child, 0)
    return here, there


@pytest.mark.parametrize("fork_again", [False, True])
def test_a_process_that_was_forked_draws_nothing_that_another_draws(fork_again: bool) -> None:
    here, there = in_copy(fork_again)
    assert len(there) == (2 * COUNT if fork_again else COUNT)
    assert len({*here, *there}) == len(here) + len(there)


def test_a_fork_in_the_midst_of_a_call_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    urandom, drawn = os.urandom, []

    def interrupted(size: int) -> bytes:
        found = urandom(size)
        drawn.append(found)
        if len(drawn) == 1:
            module._forget_block()  # what a child does, whose parent has drawn these bytes too
        return found

    monkeypatch.setattr(os, "urandom", interrupted)
    module._forget_block()
    text = random_text()
    assert len(drawn) == 2
    monkeypatch.setattr(os, "urandom", lambda _: drawn[0])
    module._forget_block()
    parents = {random_text() for _ in range(256)}
    module._forget_block()
    assert text not in parents


def test_threads_draw_different_texts() -> None:
    gate = threading.Barrier(4)

    def draw(_: int) -> list[str]:
        gate.wait()
        return [random_text() for _ in range(5_000)]

    with ThreadPoolExecutor(4) as threads:
        found = [text for texts in threads.map(draw, range(4)) for text in texts]
    assert len(set(found)) == len(found)


def test_a_text_is_22_characters_that_an_address_may_hold() -> None:
    texts = [random_text() for _ in range(COUNT)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", text) for text in texts)
    for place in (0, 21):  # each of the 64 characters stands everywhere
        assert len({text[place] for text in texts}) > 48
