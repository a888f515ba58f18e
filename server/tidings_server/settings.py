"""The settings of the push server."""

from typing import Annotated, Literal

from msgspec import Meta

from tidings.settings.settings import Bytes, Count, Seconds, WebhookAllow, WebhookCallersFile, WebhookHttp
from tidings.webhook.address_rules import AddressRules
from tidings.webhook.caller_file import read_callers

from .auth.auth_settings import AuthSettings

Rate = Annotated[float, Meta(gt=0, le=10_000_000, extra={"unit": "1/s"})]
BatchSize = Annotated[int, Meta(ge=1, le=100_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class ServerSettings(AuthSettings, frozen=True, kw_only=True):
    """What `tidings serve` takes."""

    host: Annotated[str, Meta(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="The TCP port to listen on.")] = 8700
    forwarded_allow_ips: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of the reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` "
            "are believed; `*`: of every peer."
        ),
    ] = ("127.0.0.1", "::1")
    root_path: Annotated[
        str, Meta(description="The path under which a reverse proxy shows this server, such as `/tidings`.")
    ] = ""
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins whose pages may use this server beside its own, such as `https://app.example`."),
    ] = ()
    max_frame_bytes: Annotated[Bytes, Meta(description="Size of one frame or request body from a client.")] = 1_048_576
    max_depth: Annotated[Count, Meta(description="How deep JSON from a client may nest.")] = 64
    max_batch: Annotated[BatchSize, Meta(description="Jobs in one request to `/v1/jobs/batch`.")] = 1_000
    max_batch_bytes: Annotated[Bytes, Meta(description="Size of such a request.")] = 16_777_216
    max_in_flight: Annotated[Count, Meta(description="Submits of one connection that may wait for their ack.")] = 1_000
    max_watches: Annotated[Count, Meta(description="Jobs that one connection may watch at a time.")] = 10_000
    max_grants: Annotated[
        Count, Meta(description="Grants that one connection without another credential may hold at a time.")
    ] = 256
    max_waiting_bytes: Annotated[
        Bytes, Meta(description="Bytes that may wait to be sent before a connection counts as too slow.")
    ] = 8_388_608
    max_frames_per_s: Annotated[Rate, Meta(description="Frames that one connection may send a second, on average.")] = (
        5_000.0
    )
    max_frame_burst: Annotated[
        Count, Meta(description="Frames that one connection may send at once, such as its watches when it comes back.")
    ] = 25_000
    max_submits_per_s: Annotated[
        Rate, Meta(description="Submits of one caller a second, over all its connections to this process, on average.")
    ] = 10_000.0
    max_submit_burst: Annotated[Count, Meta(description="Submits of one caller at once.")] = 50_000
    max_watches_per_caller: Annotated[
        Count, Meta(description="Jobs that one caller may watch over all its connections to this process.")
    ] = 200_000
    max_connections: Annotated[
        Count,
        Meta(
            description="Sockets, streams and long polls that this process holds; and as many requests under way, and "
            "connections that wait for one."
        ),
    ] = 50_000
    max_connections_per_caller: Annotated[
        Count,
        Meta(
            description="Sockets, streams and long polls of one caller that this process holds; and as many requests "
            "under way."
        ),
    ] = 20_000
    max_connections_per_address: Annotated[
        Count,
        Meta(
            description="Sockets, streams and long polls from one address that this process holds; and as many "
            "requests under way, and connections that wait for one. Behind a proxy all come from its address, unless "
            "it forwards theirs."
        ),
    ] = 20_000
    max_connection_age_s: Annotated[
        Seconds,
        Meta(
            description="How long a socket or stream lives, less up to a fifth by chance, before its client is asked "
            "to come back: reconnecting is then routine, and load evens out after a deploy."
        ),
    ] = 3_600.0
    auth_within_s: Annotated[
        Seconds, Meta(description="How long a client may take to authenticate, where the server asks for credentials.")
    ] = 10.0
    max_url_bytes: Annotated[Bytes, Meta(description="Size of a request's URL.")] = 8_192
    max_header_bytes: Annotated[Bytes, Meta(description="Size of a request's headers.")] = 32_768
    request_within_s: Annotated[
        Seconds, Meta(description="How long a client may take to send a request's headers, and then its body.")
    ] = 20.0
    max_backlog: Annotated[Count, Meta(description="Jobs that may wait in one tier of a queue; more are refused.")] = (
        100_000
    )
    max_backlog_per_caller: Annotated[
        Count,
        Meta(
            description="Jobs of one caller that may be unfinished in one queue. A caller is a credential's owner, or "
            "with `auth` being `none` an address."
        ),
    ] = 50_000
    max_backlog_bytes_per_caller: Annotated[
        Bytes,
        Meta(
            description="Bytes that the inputs of one caller's unfinished jobs may have in a queue; delayed ones count."
        ),
    ] = 67_108_864
    direct_per_caller: Annotated[
        Count,
        Meta(
            description="Jobs of one caller that stand in line with everybody's; while so many are unfinished, more of "
            "them wait in a lane, which gives one in each round of the line."
        ),
    ] = 8
    max_follows: Annotated[Count, Meta(description="Tags that one connection may follow at a time.")] = 100
    max_listed_per_owner: Annotated[
        Count,
        Meta(description="Jobs of one owner that a queue lists for `GET /v1/jobs` and for follows, the newest."),
    ] = 10_000
    max_wait_s: Annotated[Seconds, Meta(description="The most that `Prefer: wait` may ask for.")] = 60.0
    dedup_window_s: Annotated[Seconds, Meta(description="How long an idempotency key is remembered.")] = 86_400.0
    kind_ttl_s: Annotated[
        Seconds,
        Meta(
            description="How long after the last worker that served it a kind is forgotten. One in whose queue jobs "
            "wait is kept."
        ),
    ] = 2_592_000.0
    unserved_grace_s: Annotated[
        Seconds,
        Meta(
            description="How long after the last worker that served it left a kind is still accepted: its jobs wait, "
            "and the ack says `unserved`. After that the server refuses them (`unserved`)."
        ),
    ] = 2_592_000.0
    alive_after_s: Annotated[Seconds, Meta(description="Quiet time after which a socket is sent an `alive` frame.")] = (
        25.0
    )
    ping_interval_s: Annotated[Seconds, Meta(description="Time between WebSocket pings.")] = 20.0
    ping_timeout_s: Annotated[Seconds, Meta(description="Time without a pong after which a socket is closed.")] = 20.0
    sse_heartbeat_s: Annotated[Seconds, Meta(description="Quiet time after which a stream is sent a comment line.")] = (
        15.0
    )
    probe_s: Annotated[
        Seconds,
        Meta(
            description="Time between two messages to itself by which a server proves that it hears the store; "
            "without two of them it is not ready."
        ),
    ] = 2.0
    metrics: Annotated[
        bool,
        Meta(
            description="Whether `/metrics` is served, to every client that reaches this server: a proxy must hide it "
            "from strangers."
        ),
    ] = True
    server_metrics_port: Annotated[
        Annotated[int, Meta(ge=0, le=65_535)],
        Meta(
            description="A TCP port of its own on which this server also serves `/metrics` and `/healthz`; 0: none. Of "
            "several with `--workers` each has the next one: the port that they share leads to any of them."
        ),
    ] = 0
    server_metrics_host: Annotated[str, Meta(description="The address to listen on for that.")] = "127.0.0.1"
    page: Annotated[
        Literal["kinds", "demo", "none"],
        Meta(
            description="What stands at `/`: `kinds`: a page with a form for each kind that workers have registered; "
            "`demo`: the page of the demo's kinds (`make demo`); `none`: nothing."
        ),
    ] = "kinds"
    mcp: Annotated[
        bool,
        Meta(
            description="Whether `/mcp` offers the kinds with `@job(mcp=True)` as tools to clients of the Model "
            "Context Protocol. Needs the extra `mcp`, which the server loads when the first such client comes."
        ),
    ] = True
    mcp_task_after_s: Annotated[
        Annotated[float, Meta(ge=0, le=60, extra={"unit": "s"})],
        Meta(
            description="How long a call of a tool may take before a client of the Model Context Protocol that knows "
            "tasks gets a task instead of the result; 0: it gets a task at once."
        ),
    ] = 1.0
    mcp_poll_s: Annotated[
        Seconds, Meta(description="How long such a client is asked to wait between two looks at a task.")
    ] = 1.0
    webhook_allow: WebhookAllow = ()
    webhook_http: WebhookHttp = False
    webhook_callers_file: WebhookCallersFile = ""
    write_timeout_s: Annotated[
        Seconds, Meta(description="How long a write may wait for a reader that does not read.")
    ] = 20.0
    keep_alive_s: Annotated[
        Seconds,
        Meta(
            description="How long a connection stays open between two requests. Set it above the idle timeout of "
            "proxies and clients that keep connections: one that the server closes first may fail a request."
        ),
    ] = 90.0
    drain_s: Annotated[
        Annotated[float, Meta(ge=0, le=3_600, extra={"unit": "s"})],
        Meta(description="How long clients get to leave when the server is asked to stop."),
    ] = 10.0

    @property
    def measures(self) -> bool:
        """Whether anything may read metrics of this server."""
        return self.metrics or bool(self.server_metrics_port)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_auth(self.host)
        AddressRules(self.webhook_allow)
        read_callers(self.webhook_callers_file)
