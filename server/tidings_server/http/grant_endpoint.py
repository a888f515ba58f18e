"""Grants over HTTP: `POST /v1/grants`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.grants import GrantSubject
from tidings.protocol.problems import ProblemError, problem_error
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.json_limits import check_depth
from tidings_server.web.request.request_body import read_body
from tidings_server.web.responses import json_response, problem_response

MAX_BODY_BYTES = 16_384

_decode = msgspec.json.Decoder(GrantSubject).decode


class GrantEndpoint:
    """Issues grants for jobs that exist, and for tags."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def issue(self, request: Request, identity: Identity) -> Response:
        """Answer 201 with a grant."""
        settings = self._runtime.settings
        try:
            body = await read_body(request, MAX_BODY_BYTES, settings.request_within_s)
            check_depth(body.decode(errors="replace"), settings.max_depth)
            return json_response(await self._runtime.grants.ask(_subject(body), identity), 201)
        except ProblemError as error:
            return problem_response(error.problem)


def _subject(body: bytes) -> GrantSubject:
    """Return what a request asks for.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        raise decode_problem(error, GrantSubject) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise problem_error("invalid_frame", f"the body is not JSON: {error}") from error
