"""Groups of consumers over HTTP, for operators: where they stand, and moving, stopping and forgetting them.

The endpoints raise `ProblemError` or `StoreError`, which their route makes an answer (`routes.answered`).
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.group_messages import (
    MAX_LETTERS,
    GroupChange,
    GroupChoice,
    GroupLetter,
    GroupLetters,
    GroupLine,
    GroupList,
    GroupReplay,
    GroupRetry,
    GroupsActed,
)
from tidings.protocol.problems import problem_error
from tidings.protocol.timestamps import rfc3339
from tidings.protocol.tokens import queue_of
from tidings.store.groups.group_admin import AT_END, FROM_START, GroupAdmin, GroupCommand, Move, before_ms
from tidings.store.groups.group_counts import GroupCount, count_groups
from tidings.store.reachable_queues import ReachableQueues, reachable_queues
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import body_of, limit_of, text_of
from .audit.audit_recorder import AuditRecorder


class GroupEndpoints:
    """List and steer groups."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def page(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/groups`: each group in each queue whose events it follows."""
        groups, queues = await self._counts()
        return json_response(GroupList(groups=[_line(one) for one in groups], **queues.told))

    async def letters(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/groups/dead?group=`: the events that a group could not handle."""
        group, queue, most = text_of(request, "group"), text_of(request, "queue"), limit_of(request)
        found: list[GroupLetter] = []
        names, queues = await self._queues_of(group, queue or None)
        for one in names:
            dead = await self._admin(one).dead(group, most - len(found)) if len(found) < most else []
            found += [
                GroupLetter(
                    letter=event.letter,
                    queue=one,
                    token=f"{one}.{event.job}",
                    kind=event.kind,
                    event=event.name,
                    tries=event.tries,
                    why=event.why,
                )
                for event in dead
            ]
        return json_response(GroupLetters(letters=found, **queues.told))

    async def pause(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/groups/pause`: a group takes no events, and they wait."""
        return await self._command(request, identity, GroupCommand.PAUSE)

    async def resume(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/groups/resume`: a group takes events again."""
        return await self._command(request, identity, GroupCommand.RESUME)

    async def forget(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/groups/forget`: nothing is written for a group any more."""
        return await self._command(request, identity, GroupCommand.FORGET)

    async def skip(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/groups/skip`: a group passes over all that it has not handled."""
        choice = await body_of(request, GroupChoice, self._runtime.settings.request_within_s)
        return await self._move(request, identity, choice.group, choice.queue, AT_END)

    async def replay(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/groups/replay`: a group goes back, and handles again what it has handled."""
        choice = await body_of(request, GroupReplay, self._runtime.settings.request_within_s)
        if sum((choice.since is not None, choice.position is not None, choice.from_start)) != 1:
            detail = "say where the group is to begin by one of `since`, `position` and `from_start`"
            raise problem_error("invalid_frame", detail, field="/since")
        to = FROM_START if choice.from_start else choice.position or _place_of(choice.since or "")
        return await self._move(request, identity, choice.group, choice.queue, to)

    async def retry(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/groups/retry`: a group gets events again that it could not handle."""
        choice = await body_of(request, GroupRetry, self._runtime.settings.request_within_s)
        actions = self._recorder.actions(request, identity)

        async def retry_in(queue: str) -> GroupChange:
            known = [one.letter for one in await self._admin(queue).dead(choice.group, MAX_LETTERS)]
            wanted = known if choice.letters is None else [one for one in choice.letters if one in known]
            answers = await actions.retry_events(choice.group, queue, wanted) if wanted else []
            return GroupChange(queue=queue, answer="ok" if "ok" in answers else "gone", events=answers.count("ok"))

        return await self._in_each(choice.group, choice.queue, retry_in)

    async def _command(self, request: Request, identity: Identity, command: GroupCommand) -> Response:
        choice = await body_of(request, GroupChoice, self._runtime.settings.request_within_s)
        actions = self._recorder.actions(request, identity)

        async def command_in(queue: str) -> GroupChange:
            return GroupChange(queue=queue, answer=await actions.command_group(choice.group, queue, command))

        return await self._in_each(choice.group, choice.queue, command_in)

    async def _move(self, request: Request, identity: Identity, group: str, queue: str | None, to: str) -> Response:
        actions = self._recorder.actions(request, identity)

        async def move_in(one: str) -> GroupChange:
            return _moved(one, await actions.move_group(group, one, to))

        return await self._in_each(group, queue, move_in)

    async def _in_each(
        self, group: str, queue: str | None, change: Callable[[str], Awaitable[GroupChange]]
    ) -> Response:
        names, queues = await self._queues_of(group, queue)
        return json_response(GroupsActed(changes=[await change(one) for one in names], **queues.told))

    async def _queues_of(self, group: str, queue: str | None) -> tuple[list[str], ReachableQueues]:
        """Return the queues in which a group follows events, and which queues could be asked."""
        groups, queues = await self._counts()
        found = [one.queue for one in groups if one.group == group]
        if not found and not queues.missing_queues:
            raise problem_error("unknown_name", f"there is no group {group[:100]!r}", field="/group")
        if queue is None:
            return found, queues
        # Of a queue whose node is away its own call says so.
        meant = [one for one in (*found, *queues.missing_queues) if queue in (one, queue_of(one))]
        if not meant:
            raise problem_error("unknown_name", f"it follows nothing in the queue {queue[:100]!r}", field="/queue")
        return meant, queues

    async def _counts(self) -> tuple[list[GroupCount], ReachableQueues]:
        """Return where all groups stand, and of which queues that tells."""
        queues = await reachable_queues(self._runtime.client, self._runtime.keys, self._runtime.kinds.queues)
        return await count_groups(self._runtime.client, self._runtime.keys, queues.names), queues

    def _admin(self, queue: str) -> GroupAdmin:
        return GroupAdmin(self._runtime.client, self._runtime.keys, queue)


def _line(one: GroupCount) -> GroupLine:
    return GroupLine(
        group=one.group,
        queue=one.queue,
        follows=one.follows,
        behind=one.behind,
        oldest=one.oldest,
        in_hand=one.in_hand,
        handled=one.handled,
        missed=one.missed,
        missed_at=rfc3339(one.missed_at_ms) if one.missed_at_ms else None,
        dead=one.dead,
        paused=one.paused,
        position=one.position,
    )


def _moved(queue: str, move: Move) -> GroupChange:
    return GroupChange(
        queue=queue,
        answer="ok" if move.answer == "moved" else move.answer,
        position=move.position or None,
        dropped=move.dropped,
        first=move.first or None,
    )


def _place_of(since: str) -> str:
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        detail = f"{since[:80]!r} is no moment, such as 2026-11-30T07:00:00Z"
        raise problem_error("invalid_frame", detail, field="/since") from None
    return before_ms(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
