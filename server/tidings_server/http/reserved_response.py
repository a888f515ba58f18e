"""An HTTP response that gives back the memory reserved for its large answer once the client has it."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidings_server.watch.answer_budget import AnswerReservation

PIECE_BYTES = 65_536
"""How much of an answer is handed to the ASGI server at a time."""


class ReservedResponse(Response):
    """An answer of JSON that gives its room back when the client has read it."""

    def __init__(self, body: bytes, headers: Mapping[str, str], hold: AnswerReservation) -> None:
        super().__init__(body, 200, headers, media_type="application/json")
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, a large one piece by piece: the ASGI server lets a sender wait for a reader between two."""
        try:
            if len(self.body) <= PIECE_BYTES:
                await super().__call__(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            view = memoryview(self.body)
            for begin in range(0, len(view), PIECE_BYTES):
                piece = bytes(view[begin : begin + PIECE_BYTES])
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            self._hold.release()
