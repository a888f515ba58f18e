"""The demo's page at `/`: the frame of index.html, with the parts of demo.html.

A part stands in both files between `<!-- part NAME -->` and `<!-- end NAME -->`. What the two pages have in common
stands in index.html alone.
"""

import hashlib
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tidings_server.web.compression import accepts_gzip, gzipped

from .static_files import SECURITY_HEADERS

_PART = re.compile(r"^ *<!-- part (\w+) -->\n(.*?)^ *<!-- end \1 -->\n", re.MULTILINE | re.DOTALL)


def with_parts(frame: str, parts: str) -> str:
    """Return a page with those of its parts replaced that another text has.

    Raises:
        ValueError: the page has no part of one of the names.

    """
    own: dict[str, str] = dict(_PART.findall(parts))
    unknown = own.keys() - {name for name, _ in _PART.findall(frame)}
    if unknown:
        raise ValueError(f"the frame has no part {min(unknown)}")
    return _PART.sub(lambda found: own.get(str(found[1]), str(found[2])), frame)


class FrontPage:
    """The page, put together and compressed once."""

    def __init__(self, folder: Path) -> None:
        frame, parts = ((folder / name).read_text(encoding="utf-8") for name in ("index.html", "demo.html"))
        self._page = with_parts(frame, parts).encode()
        self._gzipped = gzipped(self._page)
        self._tag = hashlib.sha256(self._page).hexdigest()[:32]

    async def get(self, request: Request) -> Response:
        """`GET /`; plain and compressed have an entity tag each (RFC 9110, section 8.8.3.3)."""
        headers = {**SECURITY_HEADERS, "vary": "Accept-Encoding", "etag": f'"{self._tag}"'}
        body = self._page
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            body = self._gzipped
            headers |= {"content-encoding": "gzip", "etag": f'"{self._tag}-gzip"'}
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/html", headers=headers)
