"""HTTP requests that carry a credential follow no redirect."""

import urllib.request
from email.message import Message
from typing import IO


class RedirectRefusal(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry the credential elsewhere."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Refuse."""
