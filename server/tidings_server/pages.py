"""The files a browser loads, and where they lie: inside the wheel, or beside the source."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE = Path(__file__).parent

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


class Pages(StaticFiles):
    """Static files with the headers they need."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers.update(SECURITY_HEADERS)
        return response
