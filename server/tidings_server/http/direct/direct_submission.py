"""`POST /v1/jobs` as a direct exchange: the same steps as the endpoint's, between calls of the event loop."""

import time
from functools import lru_cache, partial

import msgspec

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.problems import ProblemError
from tidings.store.jobs.job_store import NewJob
from tidings_server.auth.identity import Identity
from tidings_server.http.job_answers import accepted_headers, may_wait
from tidings_server.http.job_endpoints import JobEndpoints
from tidings_server.http.request_submission import begin_submission, observe_ack
from tidings_server.http.requests import decode_submission
from tidings_server.jobs.job_service import SubmittedJob
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.job_listener import JobListener
from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.request.json_limits import too_large
from tidings_server.web.request.preferences import MAX_PREFER, NO_PREFERENCES, Preferences, preferences_of
from tidings_server.web.responses import problem_response

from .direct_wait import DirectWait

_encode = msgspec.json.Encoder().encode


class DirectSubmission:
    """Submits a job, and answers with its ack, or with the outcome where the client waits for that."""

    ROUTE = "POST /v1/jobs"

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._endpoints = JobEndpoints(runtime)
        self._root = runtime.settings.root_path.rstrip("/")

    def __call__(self, exchange: DirectExchange, identity: Identity) -> bool:
        """Ask the store to accept the job; the response is sent when the store has answered.

        Returns:
            False: the request is to wait for the job of another owner.

        Raises:
            ProblemError: the submission is refused.

        """
        settings = self._runtime.settings
        identity.require("submit")
        if len(exchange.body) > settings.max_frame_bytes:
            raise too_large(len(exchange.body), settings.max_frame_bytes)
        submission = decode_submission(exchange.body, exchange.headers, settings.max_depth)
        preferences = _preferences(exchange.headers.get("prefer"), settings.max_wait_s)
        if preferences.wait and may_wait(submission, identity):
            if submission.owner is not None:
                return False
            DirectWait(self._runtime, self._endpoints, self._root, exchange, identity, preferences).submit(submission)
            return True
        began = time.monotonic()
        caller = identity.owner or exchange.address
        submitted: SubmittedJob[JobListener] = begin_submission(self._runtime, submission, identity, caller, began)
        submitted.ack.on_settled = partial(self._acknowledge, exchange, submission, submitted.job, began, preferences)
        return True

    def _acknowledge(
        self,
        exchange: DirectExchange,
        submission: Submission,
        job: NewJob,
        began: float,
        preferences: Preferences,
        answer: PendingAnswer[Ack],
    ) -> None:
        try:
            ack = answer.result()
            observe_ack(self._runtime, submission, job, began)
            headers = accepted_headers(self._root, ack, preferences, waited=preferences.wait == 0)
            exchange.send_json(202, _encode(ack), headers)
        except ProblemError as error:
            exchange.respond(problem_response(error.problem))
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            exchange.fail(self.ROUTE, error)


def _preferences(header: str | None, most_wait: float) -> Preferences:
    if header is None:
        return NO_PREFERENCES
    return _read_preferences(header, most_wait) if len(header) <= MAX_PREFER else preferences_of([header], most_wait)


@lru_cache(maxsize=64)
def _read_preferences(header: str, most_wait: float) -> Preferences:
    return preferences_of([header], most_wait)
