"""The dead letters that a command names, by tokens or by flags."""

from typing import NamedTuple

from redis.asyncio import Redis

from tidings.protocol.frames.admin_messages import LetterChoice, LetterFilter
from tidings.protocol.tokens import Token, parse_token, queue_of
from tidings.store.admin.dead_letter import DeadLetter
from tidings.store.admin.dead_letters import DeadLetterFilter, DeadLetters
from tidings.store.redis.store_client import command, keys_of
from tidings_cli.command_errors import CommandError
from tidings_cli.duration import read_duration
from tidings_cli.operate.queue_names import known_queues, listed_queues, unknown_queue

PREVIEWED_LETTERS = 20
"""Letters of a choice that are kept whole, for the preview."""


class LetterQuery(NamedTuple):
    """The flags and arguments that choose letters."""

    tokens: list[str]
    kind: str | None
    code: str | None
    older_than: str | None
    newer_than: str | None
    queue: str | None
    everything: bool = False

    @property
    def selection(self) -> DeadLetterFilter:
        """The filter that the flags describe.

        Raises:
            CommandError: a duration is none.

        """
        return DeadLetterFilter(
            kind=self.kind or "",
            code=self.code or "",
            older_than_s=None if self.older_than is None else read_duration("--older-than", self.older_than),
            newer_than_s=None if self.newer_than is None else read_duration("--newer-than", self.newer_than),
        )

    @property
    def for_audit(self) -> LetterChoice:
        """The choice as a request of the server's API has it, for the audit log."""
        if self.tokens:
            return LetterChoice(tokens=self.tokens)
        meant = self.selection
        return LetterChoice(
            filter=LetterFilter(
                queue=self.queue,
                kind=self.kind,
                code=self.code,
                older_than=meant.older_than_s,
                newer_than=meant.newer_than_s,
            )
        )

    def check(self, verb: str) -> None:
        """Check that the command chooses letters, and in one way only.

        Raises:
            CommandError: it is not; says what to give.

        """
        filters = any(one is not None for one in (self.kind, self.code, self.older_than, self.newer_than))
        ways = [bool(self.tokens), filters, self.everything]
        if not any(ways):
            raise CommandError(
                f"nothing is selected to {verb}: give tokens, or --kind, --code, --older-than or --newer-than, or --all"
            )
        if sum(ways) > 1:
            raise CommandError(
                "give tokens, or --kind, --code, --older-than and --newer-than, or --all; only one of them"
            )


class SelectedLetters:
    """The letters that a choice found: the entry ids of all, and the first few whole."""

    def __init__(self) -> None:
        self.entries: dict[str, list[str]] = {}
        """Queue → entry ids, oldest first."""
        self.first: list[DeadLetter] = []

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))

    def add(self, letter: DeadLetter) -> None:
        """Add a letter."""
        self.entries.setdefault(letter.queue, []).append(letter.entry)
        if len(self.first) < PREVIEWED_LETTERS:
            self.first.append(letter)


async def select_letters(store: Redis, choice: LetterQuery) -> SelectedLetters:
    """Return the letters that a choice matches.

    Raises:
        CommandError: a token has no letter, or there is no such queue.
        StoreError: the store is unavailable.

    """
    chosen, keys = SelectedLetters(), keys_of(store)
    if choice.tokens:
        for letter in await find_letters(store, choice.tokens):
            chosen.add(letter)
        return chosen
    for queue in await queues(store, choice.queue):
        async for letter in DeadLetters(store, keys, queue).scan(choice.selection):
            chosen.add(letter)
    return chosen


async def find_letters(store: Redis, texts: list[str]) -> list[DeadLetter]:
    """Return the letters of tokens, in their order.

    Raises:
        CommandError: one is not a token, or has no letter.

    """
    tokens = [_token(text) for text in dict.fromkeys(texts)]
    found: dict[Token, DeadLetter] = {}
    for queue in dict.fromkeys(token.partition for token in tokens):
        ids = [token.id for token in tokens if token.partition == queue]
        letters = await DeadLetters(store, keys_of(store), queue).find(*ids)
        found.update({Token(queue, job): letter for job, letter in letters.items()})
    for token in tokens:
        if token not in found:
            raise CommandError(
                f"there is no dead letter of {token}: it did not fail, was replayed or dropped, or is too old"
            )
    return [found[token] for token in tokens]


async def queues(store: Redis, queue: str | None) -> list[str]:
    """Return the queues to read: the named one, else all for which workers have registered kinds.

    Those on nodes of a cluster that do not answer are left out, and standard error says so.

    Raises:
        CommandError: there is no such queue.

    """
    known = await known_queues(store)
    if queue is None:
        return await listed_queues(store, known)
    if queue not in known and not await command(store, "EXISTS", keys_of(store).dead(queue)):
        raise unknown_queue(queue, known)
    return await listed_queues(store, [name for name in known if queue in (name, queue_of(name))] or [queue])


def _token(text: str) -> Token:
    token = parse_token(text)
    if token is None:
        raise CommandError(f"{text!r} is not a token")
    return token
