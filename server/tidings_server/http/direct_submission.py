"""`POST /v1/jobs` as a direct exchange: the same steps as the endpoint's, between calls of the event loop."""

import time
from functools import partial

import msgspec

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.problems import ProblemError
from tidings.store.jobs.job_store import NewJob
from tidings_server.auth.identity import Identity
from tidings_server.jobs.job_service import SubmittedJob
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.job_listener import JobListener
from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.request.json_limits import too_large
from tidings_server.web.responses import problem_response

from .job_endpoints import RETRY_AFTER_S
from .request_submission import begin_submission, observe_ack
from .requests import decode_submission

_encode = msgspec.json.Encoder().encode

_ACCEPTED = (
    b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nlocation: %b/v1/jobs/%b\r\nretry-after: "
    + b"%d" % RETRY_AFTER_S
    + b"\r\ncontent-length: %d\r\ncontent-type: application/json\r\n"
)
"""The head of a 202, as `JobEndpoints` has it made: with where the server is mounted, the token, and the length."""


class DirectSubmission:
    """Submits a job, and answers with its ack."""

    ROUTE = "POST /v1/jobs"

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._root = runtime.settings.root_path.rstrip("/").encode()

    def __call__(self, exchange: DirectExchange, identity: Identity) -> None:
        """Ask the store to accept the job; the response is sent when the store has answered.

        Raises:
            ProblemError: the submission is refused.

        """
        settings = self._runtime.settings
        identity.require("submit")
        if len(exchange.body) > settings.max_frame_bytes:
            raise too_large(len(exchange.body), settings.max_frame_bytes)
        submission = decode_submission(exchange.body, exchange.headers, settings.max_depth)
        began = time.monotonic()
        caller = identity.owner or exchange.address
        submitted: SubmittedJob[JobListener] = begin_submission(self._runtime, submission, identity, caller, began)
        submitted.ack.on_settled = partial(self._acknowledge, exchange, submission, submitted.job, began)

    def _acknowledge(
        self, exchange: DirectExchange, submission: Submission, job: NewJob, began: float, answer: PendingAnswer[Ack]
    ) -> None:
        try:
            ack = answer.result()
            observe_ack(self._runtime, submission, job, began)
            body = _encode(ack)
            exchange.send(202, _ACCEPTED % (self._root, ack.token.encode(), len(body)), body)
        except ProblemError as error:
            exchange.respond(problem_response(error.problem))
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            exchange.fail(self.ROUTE, error)
