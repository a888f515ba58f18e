"""Proxies of the environment: deliveries take them where a setting allows it, and never otherwise."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from support.system import Process
from tidings.process.port import free_port
from tidings.webhook import new_secret
from tidings.webhook.address_rules import AddressRules
from tidings.webhook.target_url import TargetError, TargetRules
from tidings_worker.webhook.delivery_proxies import DeliveryProxies, ProxyError
from tidings_worker.webhook.guarded_session import guarded_session
from tidings_worker.webhook.sender import Sender, SendResult
from webhook.receiver import Answer, Receiver, running_receiver


class ProxyServer:
    """A proxy on loopback: forwards plain requests, and answers CONNECT with a status, or with a tunnel to one port."""

    def __init__(self, forward: str, refuse: int = 0) -> None:
        self.asked: list[str] = []
        self.credentials: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.note()
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                location = None
                try:
                    with urlopen(Request(forward, body, headers), timeout=20) as answer:
                        status = answer.status
                except HTTPError as error:
                    status, location = error.code, error.headers["location"]
                self.send_response(status)
                if location:
                    self.send_header("location", location)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_CONNECT(self) -> None:
                self.note()
                self.send_response(refuse)
                self.send_header("content-length", "0")
                self.end_headers()

            def note(self) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                outer.credentials.append(self.headers.get("proxy-authorization"))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@contextmanager
def running_proxy(forward: str = "", refuse: int = 403) -> Iterator[ProxyServer]:
    proxy = ProxyServer(forward, refuse)
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        proxy.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


RULES = TargetRules(AddressRules(()), allow_http=True)


async def send(url: str, proxies: DeliveryProxies) -> SendResult:
    """Send by the default rules: public addresses alone."""
    async with guarded_session(RULES.addresses, connections=9, per_host=9, connect_s=5, total_s=20) as session:
        return await Sender(session, RULES, 20.0, proxies).send(RULES.parse(url), {"webhook-id": "one"}, b"{}")


async def test_a_proxy_of_a_private_address_is_taken_and_dials_for_the_worker(receiver: Receiver) -> None:
    with running_proxy(receiver.url) as proxy:
        result = await send("http://hooks.example.com/in", DeliveryProxies({"http": f"http://me:hush@{proxy.address}"}))
    assert result.delivered, result.error
    assert proxy.asked == ["POST http://hooks.example.com/in"]
    assert proxy.credentials == ["Basic bWU6aHVzaA=="]
    assert [one.headers["webhook-id"] for one in receiver.received] == ["one"]


async def test_a_tunnel_is_asked_for_by_name_and_a_refusal_says_nothing_of_the_receiver() -> None:
    with running_proxy(refuse=403) as proxy:
        result = await send(
            "https://hooks.example.com/in", DeliveryProxies({"https": f"http://me:hush@{proxy.address}"})
        )
    assert proxy.asked == ["CONNECT hooks.example.com:443"]
    assert (result.status, result.reached) == (None, False)
    assert result.error == "the proxy answered 403, and opened no connection to the receiver"


async def test_a_proxy_that_cannot_reach_the_receiver_speaks_for_it() -> None:
    with running_proxy(refuse=502) as proxy:
        result = await send("https://hooks.example.com/in", DeliveryProxies({"https": proxy.address}))
    assert (result.status, result.reached) == (None, True)


async def test_a_proxy_that_is_away_opens_no_breaker_of_a_receiver() -> None:
    result = await send(
        "https://hooks.example.com/in", DeliveryProxies({"https": f"http://me:hush@127.0.0.1:{free_port()}"})
    )
    assert (result.status, result.reached) == (None, False)
    assert result.error.startswith("the proxy cannot be reached")
    assert "hush" not in result.error


async def test_hosts_of_no_proxy_are_dialled_and_their_addresses_checked(receiver: Receiver) -> None:
    with running_proxy(receiver.url) as proxy:
        proxies = DeliveryProxies({"http": proxy.address, "no": "localtest.example,.inside.example:8080"})
        assert proxies.of(RULES.parse("http://localtest.example/")) is None
        assert proxies.of(RULES.parse("http://a.inside.example:8080/")) is None
        assert proxies.of(RULES.parse("http://a.inside.example/")) is not None
        assert proxies.of(RULES.parse("https://a.inside.example/")) is None  # there is none for https
        with pytest.raises(TargetError):
            RULES.parse(receiver.url)  # what names a private address is refused before any proxy is asked
        assert proxy.asked == []


async def test_after_a_delivery_by_a_proxy_the_next_without_one_is_checked(receiver: Receiver) -> None:
    # The check of addresses is off while the proxy is dialled, and for nothing else.
    rules = TargetRules(AddressRules(["192.0.2.0/24"]), allow_http=True)  # so that a local name passes as a name
    with running_proxy(receiver.url) as proxy:
        proxies = DeliveryProxies({"http": proxy.address, "no": "localhost"})
        async with guarded_session(rules.addresses, connections=9, per_host=9, connect_s=5, total_s=20) as session:
            sender = Sender(session, rules, 20.0, proxies)
            assert (await sender.send(rules.parse("http://hooks.example.com/"), {"webhook-id": "1"}, b"{}")).delivered
            direct = await sender.send(rules.parse(f"http://localhost:{receiver.port}/"), {"webhook-id": "2"}, b"{}")
    assert (direct.status, direct.reached) == (None, False)
    assert "refused" in direct.error or "private" in direct.error or "loopback" in direct.error, direct.error
    assert [one.headers["webhook-id"] for one in receiver.received] == ["1"]


async def test_a_redirect_by_a_proxied_receiver_is_checked_as_any(receiver: Receiver) -> None:
    receiver.plan = lambda _: Answer(307, {"location": "http://127.0.0.1/"})
    with running_proxy(receiver.url) as proxy:
        result = await send("http://hooks.example.com/", DeliveryProxies({"http": proxy.address}))
    assert (result.status, result.redirects) == (307, 1)
    assert "127.0.0.1" in result.error
    assert proxy.asked == ["POST http://hooks.example.com/"]


async def test_the_environment_alone_changes_nothing(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    with running_proxy(receiver.url) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
        rules = TargetRules(AddressRules(["127.0.0.1"]), allow_http=True)
        async with guarded_session(rules.addresses, connections=9, per_host=9, connect_s=5, total_s=20) as session:
            result = await Sender(session, rules, 20.0).send(rules.parse(receiver.url), {"webhook-id": "1"}, b"{}")
    assert result.delivered, result.error
    assert proxy.asked == []


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:1080", "http://:8080", "http://[::1", "http://host:port"])
def test_a_proxy_that_no_delivery_can_take_is_refused_by_its_variable(address: str) -> None:
    with pytest.raises(ProxyError, match=r"HTTPS_PROXY is no address.*allowed: http://HOST:PORT") as caught:
        DeliveryProxies({"https": address})
    assert address not in str(caught.value)


def test_a_worker_with_a_wrong_proxy_says_which_before_it_looks_for_its_store() -> None:
    settings = {"TIDINGS_WEBHOOK_SECRETS": new_secret(), "TIDINGS_WEBHOOK_PROXIES": "true"}
    worker = Process(
        "worker", "work", TIDINGS_WEBHOOKS="true", TIDINGS_STORE_URL="redis://127.0.0.1:1",
        HTTPS_PROXY="socks5://me:hush@127.0.0.1:1", **settings,
    )  # fmt: skip
    try:
        assert worker.wait(20) != 0
        assert "HTTPS_PROXY is no address of a proxy" in worker.text()
        assert "hush" not in worker.text()
    finally:
        worker.close()
