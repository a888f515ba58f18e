"""`GET /v1/jobs/{token}/events` as a direct exchange: the same steps as the endpoint's, between calls of the loop."""

from functools import partial

from tidings.protocol.problems import ProblemError
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.runtime import ServerRuntime
from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.responses import problem_response

from .event_stream import EventStream
from .stream_listener import StreamListener
from .stream_opening import StreamOpening, number_after


class DirectEvents:
    """Streams one job's events."""

    ROUTE = "GET /v1/jobs/{token}/events"

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    def __call__(self, exchange: DirectExchange, identity: Identity) -> bool:
        """Ask for the job; the stream begins with the store's answer.

        Raises:
            ProblemError: the request is refused.

        """
        token = self._runtime.jobs.find(exchange.token)
        after = number_after(exchange.headers.get("last-event-id") or "0", "/after")
        caller = identity.owner or exchange.address
        opening = StreamOpening(self._runtime, identity, caller, exchange.address, [(token, after)])
        listener, answer = opening.ask(token)
        answer.on_settled = partial(self._begin, exchange, opening, listener)
        return True

    def _begin(
        self,
        exchange: DirectExchange,
        opening: StreamOpening,
        listener: StreamListener,
        answer: PendingAnswer[JobRecord],
    ) -> None:
        try:
            with opening.leave:
                opening.take(listener, answer.result())
                response = opening.finish()
            if isinstance(response, EventStream):
                response.answer(exchange)
            else:
                exchange.respond(response)
        except ProblemError as error:
            exchange.respond(problem_response(error.problem))
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            exchange.fail(self.ROUTE, error)
