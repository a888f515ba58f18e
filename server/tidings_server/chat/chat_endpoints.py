"""Chats over HTTP: ask, resume, stop."""

import time
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings_server.auth.identity import Identity
from tidings_server.http.request_submission import submit_request
from tidings_server.jobs.client_answers import tags_of
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.owned.owned_job_list import OwnedJobList
from tidings_server.runtime import ServerRuntime
from tidings_server.sse.stream_description import StreamDescription
from tidings_server.watch.answer_budget import AnswerReservation
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.request_body import read_body
from tidings_server.web.responses import empty_response, problem_response
from tidings_server.web.send.end_calls import EndCalls

from .chat_body import chat_submission
from .chat_jobs import ChatJobs, goes_on
from .chat_listener import ChatListener
from .chat_stream import VERSION_HEADER, ChatStream
from .message_replay import MessageReplay


class ChatEndpoints:
    """The endpoints under `/v1/chat`."""

    def __init__(self, runtime: ServerRuntime, jobs: OwnedJobList) -> None:
        self._runtime = runtime
        self._jobs = ChatJobs(jobs)

    async def ask(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/chat/{kind}`: submits a job that answers, and streams its message.

        A client that leaves does not cancel the job.
        """
        settings = self._runtime.settings
        try:
            identity.require("submit")
            _check_version(request)
            body = await read_body(request, settings.max_frame_bytes, settings.request_within_s)
            submission = chat_submission(request.path_params["kind"], body, dict(request.headers), settings.max_depth)
            opened = _OpenedChat(self._runtime, request, identity)
            with opened.leave:
                ack, listener = await submit_request(
                    self._runtime, submission, identity, opened.caller, opened.listener_of
                )
                assert listener is not None
                opened.stream.headers["location"] = f"/v1/jobs/{ack.token}"
                if ack.duplicate:  # the same request again: its job's message from the beginning
                    await opened.join(self._runtime.jobs.find(ack.token))
                else:
                    opened.follow(listener)
                    listener.release(ack.seq)
                return opened.keep()
        except ProblemError as error:
            return problem_response(error.problem)

    async def resume(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/chat/{kind}/{chat}/stream`: the message that is being written, from its beginning; 204: none is.

        With `?ended=true` the newest message also where it has ended, as after a lost connection.
        """
        try:
            _check_version(request)
            ended = _flag(request, "ended")
            kind, chat = request.path_params["kind"], request.path_params["chat"]
            newest = await self._jobs.newest(identity, kind, chat)
            if newest is None or not (ended or goes_on(newest)):
                return empty_response(204)
            opened = _OpenedChat(self._runtime, request, identity)
            with opened.leave:
                opened.replay = MessageReplay(newest.token)
                opened.stream.headers["location"] = f"/v1/jobs/{newest.token}"
                await opened.join(self._runtime.jobs.find(newest.token))
                return opened.keep()
        except ProblemError as error:
            if error.problem.code == "unknown_token":  # its record has left meanwhile
                return empty_response(204)
            return problem_response(error.problem)

    async def stop(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/chat/{kind}/{chat}/stop`: cancels what is being written: 202 asked, 204 nothing is."""
        try:
            kind, chat = request.path_params["kind"], request.path_params["chat"]
            live = await self._jobs.live(identity, kind, chat)
            for job in live:
                await self._cancel(job.token, identity, address_of(request.scope))
        except ProblemError as error:
            return problem_response(error.problem)
        return empty_response(202 if live else 204)

    async def _cancel(self, token: str, identity: Identity, address: str) -> None:
        try:
            await self._runtime.cancels.cancel(self._runtime.jobs.find(token), identity, address)
        except ProblemError as error:
            if error.problem.code != "already_finished":
                raise


class _OpenedChat:
    """One answer while it is prepared: what it holds, and gives back at its end."""

    def __init__(self, runtime: ServerRuntime, request: Request, identity: Identity) -> None:
        """Take a place for one more connection that watches a job.

        Raises:
            ProblemError: there is none.

        """
        self._runtime = runtime
        self._identity = identity
        self.replay = MessageReplay()
        """What the client has of the message."""
        self._listener: ChatListener | None = None
        self.caller = caller_of(request.scope, identity)
        self.stream = ChatStream(runtime.settings, identity)
        self.leave = EndCalls()
        """Undone when the answer has ended, or was not given."""
        self._address = address_of(request.scope)
        slot = runtime.quotas.enter(quota_key_of(identity, self.caller), self._address, time.monotonic())
        self.leave.callback(slot.leave)
        self.leave.callback(self._leave_job)
        with EndCalls() as refused:
            refused.callback(self.leave.close)
            slot.watch(1)
            refused.pop_all()
        if identity.grants:
            self.stream.granted = GrantedWatches(
                lambda: identity, runtime.settings.expiry_notice_s, self.stream.tell, self._lose
            )

    def listener_of(self, token: Token) -> ChatListener:
        """Return a listener that passes a job's message on to the client."""
        return ChatListener(token, self.stream, self.replay)

    def follow(self, listener: ChatListener) -> None:
        """Take note of the job that answers."""
        self._listener = listener
        self.stream.live = 1
        self.stream.join_again = partial(self._join_again, listener.token)

    async def join(self, token: Token) -> None:
        """Follow a job from the beginning of its message.

        Raises:
            ProblemError: the client may not see it, or the store cannot be reached.

        """
        reservation = self._runtime.jobs.reservation(self.caller)
        self.leave.callback(reservation.release)
        self.stream.told = reservation.release
        await self._watch(token, reservation)

    def keep(self) -> ChatStream:
        """Have the stream end with a drain, show it to operators, and return it as the answer."""
        drain, stream = self._runtime.drain, self.stream
        drain.on_begin.add(stream.drain)
        self.leave.callback(drain.on_begin.discard, stream.drain)
        shown = StreamDescription(stream, self.caller, self._address)
        self._runtime.connections.streams.add(shown)
        self.leave.callback(self._runtime.connections.streams.discard, shown)
        if drain.begun:
            stream.drain()
        self.leave.callback(self._count)
        stream.leave = self.leave.pop_all()
        return stream

    async def _join_again(self, token: Token) -> None:
        """Take the message again from its first part: a later attempt writes it."""
        reservation = self._runtime.jobs.reservation(self.caller)
        earlier = self._listener
        try:
            self.replay.begin_again()
            await self._watch(token, reservation)
        finally:
            if earlier is not None:
                self._runtime.hub.leave(earlier)
            reservation.release()

    async def _watch(self, token: Token, reservation: AnswerReservation) -> None:
        listener = self.listener_of(token)
        self.follow(listener)
        record = await self._runtime.jobs.watch(listener, valid(self._identity), 0, reservation)
        if self.stream.granted is not None and not is_final(record):
            self.stream.granted.follow(listener, record.owner, tags_of(record), ())
        listener.begin_with(record)
        listener.release(record.seq)

    def _lose(self, _: JobListener) -> None:
        """End the answer: the grant by which the client reads the job has run out."""
        self._leave_job()
        self.stream.end_one()

    def _leave_job(self) -> None:
        if self._listener is not None:
            self._runtime.hub.leave(self._listener)

    def _count(self) -> None:
        if self.stream.too_slow:
            self._runtime.meter.slow.add("stream")


def _check_version(request: Request) -> None:
    """Refuse a client that says that it wants another version of the protocol; most say nothing."""
    name, spoken = VERSION_HEADER
    wanted = request.headers.get(name, spoken)
    if wanted != spoken:
        raise problem_error(
            "unsupported_version", f"the header `{name}` wants {wanted[:20]!r}; the server speaks {spoken}"
        )


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise problem_error("invalid_frame", f"`{name}` takes true or false", field=f"/{name}")
    return text == "true"
