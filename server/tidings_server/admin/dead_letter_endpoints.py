"""Dead letters over HTTP: list, replay and drop them.

Every endpoint here raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

import re
from collections import defaultdict
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.admin_messages import (
    MAX_LETTERS_PER_REQUEST,
    LetterChoice,
    LetterFilter,
    LetterPage,
    LettersActed,
    LetterView,
    Refusal,
)
from tidings.protocol.problems import problem_error
from tidings.protocol.timestamps import rfc3339
from tidings.protocol.tokens import Token, parse_token
from tidings.store.admin.dead_letter import DeadLetter
from tidings.store.admin.dead_letters import DeadLetterFilter, DeadLetters
from tidings.store.admin.operator_actions import CHANGED, LetterAction
from tidings.store.reachable_queues import ReachableQueues, reachable_queues
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import unknown_token
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import body_of, check_queue, limit_of, text_of
from .audit.audit_recorder import AuditRecorder

MAX_SCANNED = 2_000
"""Letters of one queue that one request reads at the most while it looks for matching ones."""

BATCH_SIZE = 100
"""Letters in one call of the store."""

_CURSOR = re.compile(r"(\d{1,16})-(\d{1,16})@(.{1,63})")


class LetterPosition:
    """A position in the dead letters of all queues, newest first: an entry's id, then the queue's name."""

    def __init__(self, ms: int, number: int, queue: str) -> None:
        self.key = (ms, number, queue)

    @classmethod
    def of(cls, entry: str, queue: str) -> "LetterPosition":
        """Return the position of a letter, or the one at which the reading of a queue stopped."""
        ms, _, number = entry.partition("-")
        return cls(int(ms), int(number), queue)

    @classmethod
    def read(cls, cursor: str) -> "LetterPosition":
        """Return the position that a cursor names.

        Raises:
            ProblemError: `invalid_frame`.

        """
        match = _CURSOR.fullmatch(cursor)
        if not match:
            raise problem_error("invalid_frame", "`cursor` takes the cursor of the page before", field="/cursor")
        return cls(int(match[1]), int(match[2]), match[3])

    def __str__(self) -> str:
        return "{}-{}@{}".format(*self.key)

    def before(self, queue: str) -> str:
        """Return the entry id before which what follows of a queue begins."""
        ms, number, last = self.key
        return f"{ms}-{number if queue >= last else number + 1}"


class DeadLetterEndpoints:
    """The endpoints under `/v1/admin/dead`."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def page(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/dead`: a page, newest first; one that is short before the last has `incomplete` set."""
        limit, after = limit_of(request), text_of(request, "cursor")
        selection = DeadLetterFilter(kind=text_of(request, "kind"), code=text_of(request, "code"))
        place = LetterPosition.read(after) if after else None
        found: list[DeadLetter] = []
        left: list[LetterPosition] = []
        queues = await self._queues(text_of(request, "queue"))
        for queue in queues.names:
            before = place.before(queue) if place is not None else ""
            page = await self._of(queue).page(selection, before=before, most=limit, look=MAX_SCANNED)
            found += page.letters
            if page.next:
                left.append(LetterPosition.of(page.next, queue))
        # Behind the position at which the reading of a queue stopped no older letter of another queue may be shown: the
        # next page would skip the unread letters.
        bar = max((one.key for one in left), default=None)
        places = sorted(
            ((LetterPosition.of(one.entry, one.queue), one) for one in found), key=lambda pair: pair[0].key
        )[::-1]
        shown = [(at, one) for at, one in places if bar is None or at.key >= bar][:limit]
        cursor = None
        if len(shown) < len(found) or bar is not None:
            cursor = str(shown[-1][0] if len(shown) == limit or bar is None else LetterPosition(*bar))
        incomplete = cursor is not None and len(shown) < limit
        letters = [view(one) for _, one in shown]
        return json_response(LetterPage(letters=letters, cursor=cursor, incomplete=incomplete, **queues.told))

    async def replay(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/dead/replay`: put failed jobs back into their queues, under their tokens."""
        return await self._act(request, identity, LetterAction.REPLAY)

    async def drop(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/dead/drop`: remove letters for good; the jobs stay failed."""
        return await self._act(request, identity, LetterAction.DROP)

    async def _act(self, request: Request, identity: Identity, action: LetterAction) -> Response:
        choice = await body_of(request, LetterChoice, self._runtime.settings.request_within_s)
        if (choice.tokens is None) == (choice.filter is None):
            raise problem_error("invalid_frame", "give `tokens` or `filter`, one of them", field="/tokens")
        told: dict[str, list[str]] = {}
        if choice.tokens is not None:
            chosen, refused = await self._named(choice.tokens)
            more = False
        else:
            assert choice.filter is not None
            queues = await self._queues(choice.filter.queue or "")
            (chosen, more), refused, told = await self._meant(choice.filter, queues.names), [], queues.told
        if choice.dry_run:
            return json_response(LettersActed(done=len(chosen), dry_run=True, refused=refused, more=more, **told))
        async with self._recorder.actions(request, identity).letters(action, choice) as batches:
            for queue, some in self._batches(chosen):
                answers = await batches.perform(queue, [one.entry for one in some])
                for letter, answer in zip(some, answers, strict=True):
                    if answer not in CHANGED:
                        refused.append(Refusal(token=letter.token, why=answer))
        return json_response(LettersActed(done=batches.changed, dry_run=False, refused=refused, more=more, **told))

    async def _named(self, texts: list[str]) -> tuple[list[DeadLetter], list[Refusal]]:
        tokens = [self._token(text, index) for index, text in enumerate(texts)]
        wanted: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for token in tokens:
            wanted[token.partition][token.id] = None
        found: list[DeadLetter] = []
        missing: list[Refusal] = []
        for queue, jobs in wanted.items():
            letters = await self._of(queue).find(*jobs)
            found += [letters[job] for job in jobs if job in letters]
            missing += [Refusal(token=str(Token(queue, job)), why="gone") for job in jobs if job not in letters]
        return found, missing

    async def _meant(self, wanted: LetterFilter, queues: list[str]) -> tuple[list[DeadLetter], bool]:
        selection = DeadLetterFilter(
            kind=wanted.kind or "",
            code=wanted.code or "",
            older_than_s=wanted.older_than,
            newer_than_s=wanted.newer_than,
        )
        found: list[DeadLetter] = []
        for queue in queues:
            async with aclosing(self._of(queue).scan(selection)) as letters:
                async for letter in letters:
                    if len(found) == MAX_LETTERS_PER_REQUEST:
                        return found, True
                    found.append(letter)
        return found, False

    @staticmethod
    def _batches(chosen: list[DeadLetter]) -> list[tuple[str, list[DeadLetter]]]:
        by_queue: defaultdict[str, list[DeadLetter]] = defaultdict(list)
        for letter in chosen:
            by_queue[letter.queue].append(letter)
        return [
            (queue, some[first : first + BATCH_SIZE])
            for queue, some in by_queue.items()
            for first in range(0, len(some), BATCH_SIZE)
        ]

    @staticmethod
    def _token(text: str, index: int) -> Token:
        token = parse_token(text)
        if token is None:
            raise unknown_token(text, f"/tokens/{index}")
        return token

    async def _queues(self, queue: str) -> ReachableQueues:
        """Return the queues to read: the named one, which need no longer have kinds, or all that have."""
        kinds = self._runtime.kinds
        meant = kinds.partitions_of(queue) or [check_queue(queue)] if queue else kinds.queues
        return await reachable_queues(self._runtime.client, self._runtime.keys, meant)

    def _of(self, queue: str) -> DeadLetters:
        return DeadLetters(self._runtime.client, self._runtime.keys, queue)


def view(letter: DeadLetter) -> LetterView:
    """Return a letter as a list shows it."""
    return LetterView(
        token=letter.token,
        died=rfc3339(letter.died),
        kind=letter.kind,
        queue=letter.queue,
        tier=letter.tier,
        attempt=letter.attempt,
        replays=letter.replays,
        owner=letter.owner,
        correlation_id=letter.correlation_id or None,
        code=letter.code,
        detail=letter.detail,
        error=letter.error,
        tags=letter.tags.split(),
    )
