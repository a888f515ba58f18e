"""The files a browser loads, and where they lie: inside the wheel, or beside the source."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE = Path(__file__).parent

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws: wss:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
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


class Pages(StaticFiles):
    """Static files with the headers they need."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers.update(SECURITY_HEADERS)
        return response
