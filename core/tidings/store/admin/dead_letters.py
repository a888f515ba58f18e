"""The dead-letter stream of one partition: read it, find a letter, replay or drop letters."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.protocol.tokens import Token, split_token
from tidings.store.jobs.record_fields import read_record_fields
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command
from tidings.store.redis.store_clock import store_ms

from .dead_letter import DeadLetter, read_dead_letter

READ_AT_ONCE = 50
"""Letters in one answer of the store; each may be as large as its job's input and history."""

_REPLAY = Script("dead_replay", list[str], acknowledged=True)
_DROP = Script("dead_drop", list[str], acknowledged=True)


class DeadLetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Selects letters; a field that is not given matches all."""

    kind: str = ""
    code: str = ""
    """The problem's code."""
    older_than_s: float | None = None
    """The job failed at least so long ago, by the store's clock, s."""
    newer_than_s: float | None = None
    """The job failed at most so long ago, by the store's clock, s."""

    def admits(self, letter: DeadLetter) -> bool:
        """Return whether a letter has the kind and the code; the ids of the entries select its age."""
        return self.kind in ("", letter.kind) and self.code in ("", letter.code)


ALL_LETTERS = DeadLetterFilter()


class DeadLetterPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of letters, newest first."""

    letters: list[DeadLetter]
    next: str
    """The argument `before` of the next page; empty: this is the last."""


class DeadLetters:
    """The dead letters of one partition; methods that ask the store raise `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys, partition: str) -> None:
        self._store = store
        self._keys = keys
        self._partition = partition
        self._stream = keys.dead(partition)

    async def page(
        self, selection: DeadLetterFilter = ALL_LETTERS, *, before: str = "", most: int = 100, look: int | None = None
    ) -> DeadLetterPage:
        """Return up to `most` letters, newest first.

        Args:
            selection: the letters to return.
            before: the `next` of the previous page; empty: from the newest.
            most: letters on the page, from 1.
            look: letters that are read at the most, about, whether they match or not; the page may then be short.
                None: no limit.

        Raises:
            StoreError: the store is unavailable.

        """
        letters: list[DeadLetter] = []
        looked, last = 0, ""
        by_age = msgspec.structs.replace(selection, kind="", code="")
        async with aclosing(self.scan(by_age, newest_first=True, before=before)) as found:
            async for letter in found:
                if looked == look or len(letters) == most:
                    return DeadLetterPage(letters=letters, next=last)
                if selection.admits(letter):
                    letters.append(letter)
                looked, last = looked + 1, letter.entry
        return DeadLetterPage(letters=letters, next="")

    async def scan(
        self, selection: DeadLetterFilter = ALL_LETTERS, *, newest_first: bool = False, before: str = ""
    ) -> AsyncGenerator[DeadLetter, None]:
        """Yield the letters that the stream holds now, without those that come during the scan.

        So the scan does not meet a job twice that is replayed during the scan and fails again.
        """
        low, high = await self._bounds(selection, before)
        while True:
            read = ("XREVRANGE", high, low) if newest_first else ("XRANGE", low, high)
            found = await command(self._store, read[0], self._stream, *read[1:], "COUNT", READ_AT_ONCE)
            for entry, fields in found:
                letter = read_dead_letter(self._partition, entry, fields)
                if selection.admits(letter):
                    yield letter
            if len(found) < READ_AT_ONCE:
                return
            last = "(" + found[-1][0].decode()
            low, high = (low, last) if newest_first else (last, high)

    async def find(self, *jobs: str) -> dict[str, DeadLetter]:
        """Return the letters of jobs by their ids; a job without a letter is missing from the answer.

        The job's record names the letter. Once the record has expired, this reads the whole stream.
        """
        found: dict[str, DeadLetter] = {}
        unrecorded = set()
        for job in jobs:
            token = Token(self._partition, job)
            state, entry = await read_record_fields(self._store, self._keys, token, ("state", "letter"))
            letter = await self._read(entry) if entry else None
            if letter is not None:
                found[job] = letter
            if not state:
                unrecorded.add(job)
        return found | (await self._search(unrecorded) if unrecorded else {})

    async def replay(self, entries: list[str]) -> list[str]:
        """Put letters back into their queues, by their entry ids; a letter that is replayed twice runs once.

        Returns:
            For each letter `queued`, `gone` (the stream no longer holds it), `live` (its job is not failed), `held`
            (another job with its unique value has not ended) or `broken` (its content cannot be used).

        """
        answers = await _REPLAY(self._store, self._keys.root(self._partition), (self._partition, entries))
        return [_word(answer) for answer in answers]

    async def drop(self, entries: list[str]) -> list[str]:
        """Remove letters, by their entry ids: `dropped`, `gone` or `broken` for each. The jobs stay failed."""
        answers = await _DROP(self._store, self._keys.root(self._partition), (entries,))
        return [_word(answer) for answer in answers]

    async def _read(self, entry: str) -> DeadLetter | None:
        found = await command(self._store, "XRANGE", self._stream, entry, entry)
        return read_dead_letter(self._partition, *found[0]) if found else None

    async def _search(self, jobs: set[str]) -> dict[str, DeadLetter]:
        found: dict[str, DeadLetter] = {}
        async with aclosing(self.scan(newest_first=True)) as letters:
            async for letter in letters:
                job = split_token(letter.token).id
                if job in jobs:
                    found[job] = letter
                if len(found) == len(jobs):
                    break
        return found

    async def _bounds(self, selection: DeadLetterFilter, before: str) -> tuple[str, str]:
        """Return the range of entry ids, which begin with the time at which the store wrote them."""
        now = await store_ms(self._store, self._stream)
        low = "-" if selection.newer_than_s is None else str(max(0, now - int(selection.newer_than_s * 1000)))
        if before:
            return low, "(" + before
        if selection.older_than_s is not None:
            return low, str(max(0, now - int(selection.older_than_s * 1000)))
        newest: list[Any] = await command(self._store, "XREVRANGE", self._stream, "+", "-", "COUNT", 1)
        return low, newest[0][0].decode() if newest else "+"


def _word(answer: str) -> str:
    """Return the answer for a letter as one word: a script's fault, `!` and a text, becomes `broken`."""
    return "broken" if answer.startswith("!") else answer
