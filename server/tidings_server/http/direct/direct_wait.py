"""A long poll for the outcome of a job just submitted, as a direct exchange: `POST /v1/jobs` with `Prefer: wait=N`.

The same steps as `JobEndpoints.outcome`, between calls of the event loop. What comes seldom is left to that: a
duplicate, whose job may have ended long ago, and an outcome so large that its client has to be waited for.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidings.protocol.events import EventClass
from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.http.job_answers import accepted, etag, rendered
from tidings_server.http.job_endpoints import JobEndpoints
from tidings_server.http.long_poll import Waiter
from tidings_server.http.request_submission import begin_submission, observe_ack
from tidings_server.http.reserved_response import PIECE_BYTES, ReservedResponse
from tidings_server.jobs.client_answers import RECORD_GONE
from tidings_server.jobs.job_service import SubmittedJob, valid
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final
from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.request.preferences import Preferences
from tidings_server.web.responses import HEADERS, problem_response

ROUTE = "POST /v1/jobs"


class EndListener(JobListener):
    """Calls something when the job has ended, or its record has to be looked at."""

    __slots__ = ("_call",)

    def __init__(self, token: Token, call: Callable[[], None]) -> None:
        super().__init__(token)
        self._call = call

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Call, if it is the end."""
        if event_class == EventClass.FINAL:
            self._call()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Call: the record is read again."""
        self._call()

    def vanished(self) -> None:
        """Call: nothing will be found."""
        self._call()


class DirectWait:
    """One request that submits a job and waits for its outcome."""

    __slots__ = (
        "_ack",
        "_caller",
        "_endpoints",
        "_exchange",
        "_identity",
        "_leave",
        "_listener",
        "_loop",
        "_preferences",
        "_reservation",
        "_root",
        "_runtime",
        "_timer",
    )

    def __init__(
        self,
        runtime: ServerRuntime,
        endpoints: JobEndpoints,
        root: str,
        exchange: DirectExchange,
        identity: Identity,
        preferences: Preferences,
    ) -> None:
        """Prepare.

        Args:
            runtime: the server.
            endpoints: answer what comes seldom.
            root: the path where the application is mounted.
            exchange: the request.
            identity: who asks, and reads the outcome.
            preferences: of the request; it waits.

        """
        self._runtime = runtime
        self._endpoints = endpoints
        self._root = root
        self._exchange = exchange
        self._identity = identity
        self._preferences = preferences
        self._caller = identity.owner or exchange.address
        self._reservation = runtime.jobs.reservation(self._caller)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._ack: Ack
        self._listener: EndListener
        self._leave: Callable[[], None]

    def submit(self, submission: Submission) -> None:
        """Count the request as a connection, as it lasts like a stream, and ask the store to accept the job.

        Raises:
            ProblemError: the submission is refused.

        """
        began = time.monotonic()
        quota_key = quota_key_of(self._identity, self._caller)
        slot = self._runtime.quotas.enter(quota_key, self._exchange.address, began)
        try:
            slot.watch(1)
            submitted = begin_submission(self._runtime, submission, self._identity, self._caller, began, self._listen)
        except BaseException:
            slot.leave()
            raise
        self._leave = slot.leave
        submitted.ack.on_settled = partial(self._acknowledged, submission, submitted, began)

    def _listen(self, token: Token) -> EndListener:
        self._listener = EndListener(token, self._end_soon)
        return self._listener

    def _acknowledged(
        self,
        submission: Submission,
        submitted: SubmittedJob[EndListener],
        began: float,
        answer: PendingAnswer[Ack],
    ) -> None:
        try:
            self._ack = ack = answer.result()
            observe_ack(self._runtime, submission, submitted.job, began)
            if ack.status == RECORD_GONE:  # there is no outcome any more that could be waited for
                self._respond(accepted(self._root, ack, self._preferences))
            elif ack.duplicate:
                self._exchange.run(self._answer_by_asgi)
            else:
                self._wait()
        except ProblemError as error:
            self._respond(problem_response(error.problem))
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            self._fail(error)

    def _wait(self) -> None:
        assert self._preferences.wait is not None
        within_s = min(self._preferences.wait, self._identity.left())
        self._timer = self._loop.call_later(within_s, self._end)
        self._runtime.drain.on_begin.add(self._end_soon)
        self._listener.release(self._ack.seq)

    def _end_soon(self) -> None:
        """End the wait once the hub has done with the event that ends it."""
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        """Read what has become of the job, once."""
        timer, self._timer = self._timer, None
        if timer is None:
            return
        timer.cancel()
        self._runtime.drain.on_begin.discard(self._end_soon)
        self._runtime.hub.leave(self._listener)
        answer = self._runtime.jobs.read(self._listener.token, valid(self._identity), room=self._reservation)
        answer.on_settled = self._read

    def _read(self, answer: PendingAnswer[JobRecord]) -> None:
        try:
            self._answer(answer.result())
        except ProblemError as error:
            if error.problem.code == "unauthenticated":
                # The credential ended while the job was waited for; the job is accepted, its token is owed.
                self._respond(accepted(self._root, self._ack, self._preferences))
            else:
                self._respond(problem_response(error.problem))
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            self._fail(error)

    def _answer(self, record: JobRecord) -> None:
        if not is_final(record):
            self._respond(accepted(self._root, self._ack, self._preferences, waited=True))
            return
        body = rendered(self._listener.token, record)
        headers = {"etag": etag(record), **self._preferences.applied(waited=True)}
        self._leave()
        if len(body) > PIECE_BYTES:
            self._exchange.leave_slot()
            self._exchange.run(ReservedResponse(body, {**HEADERS, **headers}, self._reservation))
            return
        self._reservation.release()
        self._exchange.send_json(200, body, headers)

    async def _answer_by_asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the endpoint does: with the outcome of the job that was there before."""
        waiter = Waiter(self._listener.token, only_final=True)
        try:
            response = await self._endpoints.outcome(
                self._root, self._caller, self._identity, self._ack, waiter, self._preferences
            )
        except ProblemError as error:
            response = problem_response(error.problem)
        finally:
            self._leave()
            self._exchange.leave_slot()
        await response(scope, receive, send)

    def _respond(self, response: Response) -> None:
        self._leave()
        self._reservation.release()
        self._exchange.respond(response)

    def _fail(self, error: Exception) -> None:
        self._leave()
        self._reservation.release()
        self._exchange.fail(ROUTE, error)
