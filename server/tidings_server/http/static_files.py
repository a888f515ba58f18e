"""The files a browser loads, and where they lie: inside the wheel, or beside the source."""

import os
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope

from tidings_server.web.compression import LEAST_BYTES, accepts_gzip, gzipped

_HERE = Path(__file__).parent.parent

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",  # pictures made by a job, and those a visitor chose
    "connect-src": "'self'",  # which stands for the socket of the same origin too (CSP level 3, section 6.7.2.8)
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
"""What the page may do: nothing but this, and nothing inline. Source: https://www.w3.org/TR/CSP3/"""

SECURITY_HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "cross-origin-opener-policy": "same-origin",
    # Modules that another origin imports are asked for by CORS, which goes by `allowed_origins` and not by this.
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    # A page must not run yesterday's client against today's server: ask each time, by ETag.
    "cache-control": "no-cache",
}


def static_folder() -> Path:
    """Return the folder of the pages.

    Raises:
        FileNotFoundError: this installation has none.

    """
    for folder in (_HERE / "static", _HERE.parent.parent / "static"):
        if (folder / "index.html").is_file():
            return folder
    raise FileNotFoundError("this installation of tidings has no static files")


COMPRESSED = {".html", ".js", ".css", ".svg", ".ts"}
"""Endings of files that become smaller."""


class StaticPages(StaticFiles):
    """Static files with the headers they need, compressed once and then kept: there are as many as the folder holds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self._made: dict[str, tuple[str, bytes]] = {}
        """Path → the entity tag of the file it was made from, and what was made."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers.update(SECURITY_HEADERS)
        return response

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file as it is, or compressed; each has an entity tag of its own (RFC 9110, section 8.8.3.3)."""
        asked = Headers(scope=scope)
        response = super().file_response(full_path, stat_result, scope, status_code)
        if Path(full_path).suffix not in COMPRESSED or stat_result.st_size < LEAST_BYTES:
            return response
        if accepts_gzip(asked.get("accept-encoding", "")) and "range" not in asked:
            response = self._compressed(FileResponse(full_path, status_code, stat_result=stat_result), asked)
        response.headers.add_vary_header("Accept-Encoding")
        return response

    def _compressed(self, plain: FileResponse, asked: Headers) -> Response:
        tag = plain.headers["etag"]
        path = str(plain.path)
        known = self._made.get(path)
        if known is None or known[0] != tag:
            known = self._made[path] = (tag, gzipped(Path(path).read_bytes()))
        headers = MutableHeaders(raw=list(plain.headers.raw))
        headers["etag"] = f'{tag[:-1]}-gzip"'
        headers["content-encoding"] = "gzip"
        del headers["accept-ranges"]
        if self.is_not_modified(headers, asked):
            return NotModifiedResponse(headers)
        headers["content-length"] = str(len(known[1]))
        return Response(known[1], plain.status_code, headers)
