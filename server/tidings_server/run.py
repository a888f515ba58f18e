"""Running the application under uvicorn, with a drain of its own before uvicorn stops.

On SIGTERM uvicorn would close every socket at once and only then run the lifespan's end. So the
signal first makes the runtime refuse new work and ask its clients to leave; uvicorn stops when they have
left, or when the drain time is over.
"""

import asyncio
import logging
import random
import signal
import socket
from types import FrameType

import anyio
import structlog
import uvicorn
from starlette.applications import Starlette

import tidings
from tidings.process import allocator_tuning, gc_tuning
from tidings.process.close_bound import CloseBound
from tidings.process.port import check_port
from tidings.process.unknown_variables import log_unknown_variables
from tidings.protocol.frames.close_codes import DRAINING
from tidings.store.requirements.start_check import require_store

from .app import create_app, direct_endpoints
from .http.connection.direct_http import DirectHttpProtocol
from .http.loopback_only import LoopbackOnly, names_loopback
from .observability.log_line_filter import LogLineFilter
from .runtime import ServerRuntime
from .settings import ServerSettings
from .web.uvicorn_config import ServerConfig
from .websocket.open_sockets import OpenSockets
from .websocket.uvicorn_protocol import SocketProtocol

log = structlog.get_logger()


class Server(uvicorn.Server):
    """Uvicorn, which stops only after the drain."""

    def __init__(self, config: uvicorn.Config, app: Starlette, drain_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_s = drain_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain_task: asyncio.Task[None] | None = None
        self._signals = 0
        self.bound: CloseBound | None = None
        """Of the process, where it is the server's own: then the server tunes the garbage collector too."""
        self.broken = False
        """Whether the runtime ended without a signal."""

    @property
    def runtime(self) -> ServerRuntime:
        """The runtime of its application."""
        runtime: ServerRuntime = self._app.state.runtime
        return runtime

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal ends it. In a process of its own the loop then has a bounded time to close."""
        if self.bound is None:
            return await super().serve(sockets)
        with self.bound:
            await super().serve(sockets)
            self.bound.failed = self.broken or not self.started
            if self.started:
                log.info("left", signals=self._signals)
        return None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and remember the loop: a signal handler must not look for it."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            places = [one.getsockname() for server in self.servers for one in server.sockets]
            shown = [f"{place[0]}:{place[1]}" if isinstance(place, tuple) else str(place) for place in places]
            log.info("listening", addresses=shown, auth=self.runtime.settings.auth, version=tidings.__version__)
        if self.bound is not None:
            gc_tuning.freeze_startup_objects()
            allocator_tuning.keep_freed_memory()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, stop at once at the second, drop everything at the third.

        Uvicorn would raise the signal again at its end; this server exits with 0 once it has left as asked.
        """
        self._signals += 1
        if self._loop is None or not self.started:
            self.should_exit = True
        elif self._signals == 1:
            self._loop.call_soon_threadsafe(self._begin_drain, signal.Signals(sig).name)
        else:
            self.should_exit = True
            self.force_exit = self._signals > 2

    async def on_tick(self, counter: int) -> bool:
        """Stop if the runtime has ended by itself: a server without it would refuse every client for ever."""
        if self.runtime.over and not self.should_exit:
            log.critical("gateway_ended", help="this is a defect; the error stands above")
            self.broken = self.should_exit = True
        return await super().on_tick(counter)

    def _begin_drain(self, name: str) -> None:
        if self._drain_task is None:
            self._drain_task = asyncio.get_running_loop().create_task(self._drain(name), name="drain")

    async def _drain(self, name: str) -> None:
        sockets: OpenSockets = self._app.state.sockets
        log.info("draining", signal=name, sockets=len(sockets), seconds=self._drain_s)
        self.runtime.drain.begin()
        for one in sockets:
            one.session.go_away("the server restarts", random.uniform(0, self._drain_s))  # noqa: S311
            one.flush()
        with anyio.move_on_after(self._drain_s):
            await sockets.gone()
        for one in sockets:
            one.session.close(DRAINING)
            one.flush()
        self.should_exit = True


def server_of(settings: ServerSettings) -> Server:
    """Return the server of some settings; its `run` or `serve` serves."""
    app = create_app(settings)
    open_to_all = settings.auth != "none" or settings.allow_public_without_auth
    config = ServerConfig(
        app if open_to_all else LoopbackOnly(app),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=DirectHttpProtocol,
        ws=SocketProtocol,
        limit_concurrency=2 * settings.max_connections,
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=settings.ping_interval_s,
        ws_ping_timeout=settings.ping_timeout_s,
        # Decision 12: three times the memory of a socket, and no sharing of frames.
        ws_per_message_deflate=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        root_path=settings.root_path.rstrip("/"),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,  # type: ignore[arg-type]  # the loop takes fractions
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        lifespan="on",
    )
    config.ours = settings
    config.quotas = app.state.runtime.quotas
    config.direct = direct_endpoints(app, (lambda _: True) if open_to_all else names_loopback)
    return Server(config, app, settings.drain_s)


def run(settings: ServerSettings, listening: list[socket.socket] | None = None) -> None:
    """Serve until a signal ends it.

    Args:
        settings: of the server.
        listening: the sockets on which a parent listens; None: the server listens itself.

    Raises:
        ListenError: the port for metrics cannot be listened on.
        PortError: the server cannot listen on its address; one line says what to do.
        StoreUnavailableError: no store answers; one line says what to do.
        StoreUnsuitableError: the store is not what the settings need; a line for each reason.

    """
    log_unknown_variables()
    if listening is None:
        check_port(settings.host, settings.port)
    asyncio.run(require_store(settings, tell=False))
    # A client must not fill the log, such as with requests that are no HTTP.
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(LogLineFilter())
    server = server_of(settings)
    bound = server.bound = CloseBound()
    try:
        server.run(listening)
    finally:
        bound.lift()
    if server.broken:
        raise SystemExit(1)
