"""The health check of the image: exits with 0 if the process of this container answers `/healthz`, else with 1.

A worker answers where TIDINGS_METRICS_PORT says, a server where TIDINGS_PORT does. A worker without a port for metrics
has nothing to ask: give it one. Only the standard library's plain modules: the check runs every few seconds.
"""

import http.client
import os
import sys

WITHIN_S = 4.0
"""Below the time that the image gives the check."""


def main() -> int:
    """Ask, and return the exit code."""
    port = os.environ.get("TIDINGS_METRICS_PORT") or os.environ.get("TIDINGS_PORT") or "8700"
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=WITHIN_S)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        print(f"no answer at port {port}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        connection.close()
    if status != 200:
        print(f"port {port} answers {status}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
