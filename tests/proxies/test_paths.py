"""Which paths the proxies let through, and what they write about them into their logs."""

import anyio
import pytest

from proxies.conftest import World, running_world
from support.timeouts import scaled
from support.waiting import until_async

TICKET = "the-ticket-that-no-log-may-hold"

HIDDEN = [
    "/metrics", "/metrics/", "//metrics", "///metrics//", "/./metrics", "/x/../metrics", "/metrics?x=1", "/metrics#x",
    "/%6detrics", "/%6Detrics", "/m%65trics", "/%6d%65%74%72%69%63%73", "/%2e/metrics", "/x/%2e%2e/metrics",
    "/%2fmetrics", "/%256detrics", "/%25%36%64etrics", "/METRICS", "/Metrics", "/%4detrics", "/metrics%2f",
    "/metrics%20", "/metrics;x", "/metrics%3fx", "/metrics%00", "/tidings/metrics", "/static/../metrics",
    "/static/%2e%2e/metrics", "/v1/../metrics", "\\metrics", "/metrics\\", "*", "metrics",
]  # fmt: skip
"""Ways to ask for the page of metrics, of which none may be answered by it."""


async def ask(port: int, target: str, host: str = "localhost") -> str:
    """Return the answer to a request for exactly this target."""
    with anyio.fail_after(scaled(20)):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(f"GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
            answer = b""
            try:
                while True:
                    answer += await stream.receive()
            except anyio.EndOfStream:
                return answer.decode(errors="replace")


async def test_the_page_of_metrics_is_there_for_those_who_pass_no_proxy(world: World) -> None:
    assert "tidings_" in await ask(world.system.server.port, "/metrics")
    # Were the server's own decoding another than what the list expects, the list would prove nothing.
    assert "tidings_" in await ask(world.system.server.port, "/%6detrics")


@pytest.mark.parametrize("form", ["{}", "http://localhost{}"], ids=["path", "absolute"])
async def test_no_way_of_writing_its_path_brings_the_metrics_through_the_proxy(world: World, form: str) -> None:
    for target in (target for target in HIDDEN if form == "{}" or target.startswith("/")):
        answer = await ask(world.front.port, form.format(target))
        assert "tidings_" not in answer.partition("\r\n\r\n")[2], target
        assert answer.split(" ")[1] in ("400", "403", "404"), (target, answer[:200])


async def test_what_only_looks_like_it_passes(world: World) -> None:
    assert (await ask(world.front.port, "/readyz?/metrics")).split(" ")[1] == "200"
    answer = await ask(world.front.port, "/v1/admin/queues/metrics")
    assert "urn:tidings" in answer or "application/problem+json" in answer  # the server's own answer


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
async def test_tickets_stand_in_no_log_of_a_proxy_also_when_no_server_answers(name: str) -> None:
    with running_world(name) as world:
        for target in (
            f"/v1/socket?ticket={TICKET}",
            f"/v1/events?token=x&ticket={TICKET}",
            f"/?grant={TICKET}",
            "/last",
        ):
            await ask(world.front.port, target)
        for server in world.system.servers:
            server.process.kill()
            server.process.wait()
        for target in (
            f"/v1/events?ticket={TICKET}",
            f"/v1/jobs/x?grant={TICKET}",
            f"/metrics?ticket={TICKET}",
            "/end",
        ):
            await ask(world.front.port, target)
        logs = await until_async(world.front.logs, lambda logs: "/end" in logs, seconds=10)
        assert "/v1/events" in logs
        assert TICKET not in logs
        assert all(TICKET not in server.text() for server in world.system.servers)
