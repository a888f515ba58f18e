"""What one client sends ends that client's request, and nothing else: the process and the others go on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from support.credential import JWT_SERVER, SECRET, bearer, claims, token
from support.peer import Peer, peer
from support.system import System, system_fixture
from support.wire.raw import CLOSE, TEXT, frame, raw_socket
from tidings.protocol.frames import close_codes
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.tokens import parse_token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

system = system_fixture(
    credential=lambda: token("test"), server={**JWT_SERVER, "TIDINGS_MAX_CONNECTIONS_PER_CALLER": "10"}
)


@pytest.fixture
async def other(system: System) -> AsyncIterator[Peer]:
    """Another client of the same server, which is served as ever afterwards."""
    async with peer(system.server.socket_url, additional_headers=bearer(token("other"))) as other:
        yield other
        events = await other.run("echo", {"text": "unharmed"})
        assert events[-1]["data"] == {"result": "unharmed"}
        assert system.server.process.poll() is None


@pytest.fixture
async def records(system: System) -> AsyncIterator[Redis]:
    client = open_store(system.store.url)
    yield client
    await client.aclose()


def signed(payload: str, **headers: Any) -> str:
    """Return a token with a payload that need be no JSON of anybody's."""
    return jwt.PyJWS().encode(payload.encode(), SECRET, "HS256", headers or None)


def with_claim(name: str, value: str) -> str:
    """Return a token in which one claim is the JSON given."""
    whole = json.dumps(claims() | {name: None})
    return signed(whole.replace(f'"{name}": null', f'"{name}": {value}'))


HUGE = "1" + "0" * 400

TOKENS = {
    "exp of 401 digits": with_claim("exp", HUGE),
    "exp of infinity": with_claim("exp", "1e400"),
    "exp that is no number": with_claim("exp", "NaN"),
    "exp far away": with_claim("exp", "1e300"),
    "exp as a list": with_claim("exp", "[1]"),
    "iat of minus infinity": with_claim("iat", "-1e400"),
    "iat of 401 digits below": with_claim("iat", "-" + HUGE),
    "iat of 5,000 digits": with_claim("iat", "1" * 5_000),
    "nbf of 401 digits below and exp of 401": with_claim("nbf", "-" + HUGE + ',"iat":-' + HUGE),
    "half a character as sub": with_claim("sub", r'"\ud800"'),
    "half a character within sub": with_claim("sub", r'"alice\udfff"'),
    "half a character as a scope": with_claim("scope", r'"submit \ud800"'),
    "half a character as a kind": with_claim("kinds", r'["\ud800"]'),
    "scopes in an object": with_claim("scope", "{}"),
    "nested audiences": with_claim("aud", "[" * 5_000 + "]" * 5_000),
    "a payload that is a list": signed("[]"),
    "a payload that is deep": signed("[" * 10_000),
    "half a character as key id": signed(json.dumps(claims() | {"exp": 10**400}), kid="\ud800"),
}


@pytest.mark.parametrize("credential", TOKENS.values(), ids=TOKENS)
async def test_a_token_of_an_unexpected_form_is_refused(system: System, other: Peer, credential: str) -> None:
    async with peer(system.server.socket_url) as client:
        ref = await client.send("auth", credential=credential)
        refused = await client.receive()
        assert (refused["ref"], refused["problem"]["code"]) == (ref, "unauthenticated")
    for method, path in (("POST", "/v1/tickets"), ("GET", "/v1/kinds"), ("POST", "/v1/jobs")):
        answer = httpx.request(method, system.server.url + path, headers=bearer(credential), content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def spoiled(system: System, records: Redis, client: Peer, field: str, value: bytes) -> str:
    """Return the token of a job in whose record something else has written."""
    ack = await client.submit("noop", {})
    text = str(ack["token"])
    found = parse_token(text)
    assert found is not None
    assert await client.ends(text) == {text: "succeeded"}  # its worker will write no more
    await records.hset(StoreKeys().job(found.partition, found.id), field, value)
    return text


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", b"\xff\xfe"), ("seq", b"many"), ("submitted", b"yesterday"), ("attempt", b"\xff")],
)
async def test_a_record_that_cannot_be_read_fails_the_client_that_asks_for_it(
    system: System, other: Peer, records: Redis, field: str, value: bytes
) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token())) as client:
        sound = str((await client.submit("noop", {}))["token"])
        broken = await spoiled(system, records, client, field, value)
        refs = [await client.send("watch", token=one) for one in (broken, sound)]
        answers: dict[int, dict[str, Any]] = {}
        while len(answers) < len(refs):
            came = await client.receive()
            if came.get("ref") in refs:
                answers[came["ref"]] = came
        assert answers[refs[1]]["type"] == "snapshot"
        assert answers[refs[0]]["problem"]["code"] == "internal_error"
        answer = httpx.get(f"{system.server.url}/v1/jobs/{broken}", headers=bearer(token()))
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_what_can_be_caused_again_and_again_fills_no_log(system: System, other: Peer, records: Redis) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token())) as client:
        broken = await spoiled(system, records, client, "seq", b"many")
    before = system.server.text().count("\n")
    async with httpx.AsyncClient(headers=bearer(token())) as http:
        for _ in range(100):
            assert (await http.get(f"{system.server.url}/v1/jobs/{broken}")).status_code == 500
    assert system.server.text().count("\n") - before <= 10


@pytest.mark.parametrize(
    "said",
    [
        b"\xff",
        b"",
        msgspec.msgpack.encode([1]),
        msgspec.msgpack.encode([("t", 1, 1, "x")]),
        b"\x91\x94\xa1\xff\x01\x01\xa0",
    ],
)
async def test_what_others_publish_ends_nothing(system: System, other: Peer, records: Redis, said: bytes) -> None:
    channels = [channel for channel in await records.pubsub_channels() if b"inbox" in channel]
    assert channels
    for channel in channels:
        await records.publish(channel, said)


ORIGINS = ["http://[", "http://[::1", "//", "http://a]b", "http://\u2100.example", "null", ":", "x" * 9_000]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_an_origin_that_is_none_is_refused_like_a_strange_one(system: System, other: Peer, origin: str) -> None:
    headers = [(b"authorization", bearer(token())["authorization"].encode()), (b"origin", origin.encode())]
    answer = httpx.get(f"{system.server.url}/v1/kinds", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    if origin.isascii() and len(origin) < 8_000:
        protocols = [Subprotocol(SUBPROTOCOL)]
        async with connect(system.server.socket_url, origin=Origin(origin), subprotocols=protocols) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == close_codes.FORBIDDEN
    assert "Traceback" not in system.server.text().split("unexpected")[0]


async def test_an_owner_who_is_called_like_an_address_has_nothing_of_its_account(system: System, other: Peer) -> None:
    """Ten strangers wait at the address, which is as many as one caller may have."""
    strangers = [connect(system.server.socket_url, subprotocols=[Subprotocol(SUBPROTOCOL)]) for _ in range(9)]
    sockets = [await stranger for stranger in strangers]
    try:
        for _ in range(2):
            async with peer(system.server.socket_url) as client:
                ref = await client.send("auth", credential=token("127.0.0.1"))
                assert await client.receive() == {"type": "done", "ref": ref}
                held = await client.submit("noop", {})
                assert held["type"] == "ack"
    finally:
        for socket in sockets:
            await socket.close()


async def test_of_a_stranger_little_is_buffered(system: System, other: Peer) -> None:
    large = json.dumps({"type": "submit", "ref": 2, "kind": "echo", "input": {"text": "a" * 100_000}}).encode()
    for sent in (frame(TEXT, b"{", size=100_000), frame(TEXT, b"x" * 60_000, fin=False) + frame(0, b"x" * 6_000)):
        async with raw_socket(system.server.socket_url) as stranger:
            await stranger.write(sent)
            assert (await stranger.until(CLOSE)).close_code == close_codes.TOO_LARGE
    async with raw_socket(system.server.socket_url) as known:
        await known.write(frame(TEXT, json.dumps({"type": "auth", "ref": 1, "credential": token()}).encode()))
        assert json.loads((await known.until(TEXT)).payload)["type"] == "done"
        await known.write(frame(TEXT, large))
        assert json.loads((await known.until(TEXT)).payload)["type"] == "ack"
