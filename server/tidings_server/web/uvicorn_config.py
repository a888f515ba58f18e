"""What the server's protocols share with uvicorn: its configuration, with the quotas of callers, and an extension."""

import uvicorn

from tidings_server.jobs.quotas import Quotas
from tidings_server.settings import ServerSettings

from .direct_exchange import DirectEndpoints

SENT_AWAY_S = 1.0
"""How long a client that is sent away has to read why; what it sends meanwhile is dropped unread."""

COUNTED_EXTENSION = "tidings.counted"
"""Under this name the ASGI scope's `extensions` hold the function by which a request says that it is counted itself."""

CUT_EXTENSION = "tidings.cut"
"""Under this name, the function that closes the connection of a request whose response is not whole."""


class ServerConfig(uvicorn.Config):
    """Uvicorn's settings, and ours."""

    ours: ServerSettings
    quotas: Quotas
    direct: DirectEndpoints | None = None
    """What answers plain requests; None: the application answers all."""
