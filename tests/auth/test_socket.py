"""The socket: how its client says who it is, what each scope allows, and when a credential's time is over."""

import contextlib
import json
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from support.credential import JWT_SERVER, bearer, token
from support.peer import Peer, peer
from support.system import System
from tidings.protocol.frames import close_codes
from tidings.protocol.frames.messages import SUBPROTOCOL

UNKNOWN = "default." + "a" * 22

FRAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "submit": ("submit watch", {"kind": "noop", "input": {}}),
    "submit without watching": ("submit", {"kind": "noop", "input": {}, "watch": False}),
    "watch": ("watch", {"token": UNKNOWN}),
    "unwatch": ("watch", {"token": UNKNOWN}),
    "cancel": ("cancel", {"token": UNKNOWN}),
    "signal": ("submit", {"token": UNKNOWN, "name": "approved"}),
    "ping": ("", {}),
}
"""Every frame, with the scopes it needs."""

SCOPES = ["", "submit", "watch", "cancel", "submit watch", "submit watch cancel", "admin"]


async def closed(client: Peer) -> tuple[int, list[dict[str, Any]]]:
    """Return with which code a socket is closed, and the frames that came before."""
    frames = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            frames.append(await client.receive())
    code = client.connection.close_code
    assert code is not None
    return code, frames


def code_of(frame: dict[str, Any]) -> str:
    return str(frame["problem"]["code"])


async def test_the_first_frame_says_who_it_is(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        assert client.hello["authenticated"] is False
        ref = await client.send("auth", credential=token())
        assert await client.receive() == {"type": "done", "ref": ref}
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}


async def test_a_credential_in_the_handshake_is_enough(system: System) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token())) as client:
        assert client.hello["authenticated"] is True
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}


@pytest.mark.parametrize("frame", FRAMES)
async def test_nothing_is_done_before(system: System, frame: str) -> None:
    async with peer(system.server.socket_url) as client:
        refused = await client.ask(frame.partition(" ")[0], **FRAMES[frame][1])
        assert code_of(refused) == "unauthenticated"
        large = await client.ask("auth", credential="x" * 40_000)
        assert code_of(large) == "too_large"
        assert (await client.ask("auth", credential=token()))["type"] == "done"


@pytest.mark.parametrize("credential", ["", "x", token(exp=1), token(aud="another")])
async def test_a_wrong_credential_ends_a_socket_that_had_none(system: System, credential: str) -> None:
    async with peer(system.server.socket_url) as client:
        ref = await client.send("auth", credential=credential)
        code, frames = await closed(client)
        assert code == close_codes.UNAUTHENTICATED
        assert [(frame["ref"], code_of(frame)) for frame in frames] == [(ref, "unauthenticated")]


@pytest.mark.parametrize("presented", [bearer("x"), bearer(token(exp=1)), {"authorization": "Basic x"}])
async def test_a_wrong_credential_in_the_handshake_is_told_over_the_socket(
    system: System, presented: dict[str, str]
) -> None:
    async with peer(system.server.socket_url, additional_headers=presented) as client:
        assert client.hello["authenticated"] is False
        code, frames = await closed(client)
        assert code == close_codes.UNAUTHENTICATED
        assert [(frame["ref"], code_of(frame)) for frame in frames] == [(None, "unauthenticated")]


async def test_one_that_says_nothing_is_closed(system: System) -> None:
    server = system.add_server(token("test"), **JWT_SERVER, TIDINGS_AUTH_WITHIN_S="0.5")
    async with (
        peer(server.socket_url) as silent,
        peer(server.socket_url, additional_headers=bearer(token())) as known,
    ):
        await silent.send("ping")
        code, frames = await closed(silent)
        assert code == close_codes.UNAUTHENTICATED
        assert [code_of(frame) for frame in frames] == ["unauthenticated", "unauthenticated"]
        assert "0.5 s" in frames[1]["problem"]["detail"]
        assert (await known.ask("ping"))["type"] == "pong"


@pytest.mark.parametrize("scopes", SCOPES)
@pytest.mark.parametrize("frame", FRAMES)
async def test_each_scope_allows_its_own_frames_and_refuses_without_closing(
    system: System, frame: str, scopes: str
) -> None:
    needs, fields = FRAMES[frame]
    async with peer(system.server.socket_url, additional_headers=bearer(token(scope=scopes))) as client:
        answer = await client.ask(frame.partition(" ")[0], **fields)
        if scopes == "admin" or set(needs.split()) <= set(scopes.split()):
            assert answer["type"] != "error" or code_of(answer) == "unknown_token"
        else:
            assert code_of(answer) == "forbidden"
            missing = set(needs.split()) - set(scopes.split())
            assert any(repr(scope) in answer["problem"]["detail"] for scope in missing)
        assert (await client.ask("ping"))["type"] == "pong"


async def test_the_claim_kinds_restricts_submits(system: System) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token(kinds="echo"))) as client:
        refused = await client.submit("noop")
        assert (code_of(refused), refused["problem"]["field"]) == ("forbidden", "/kind")
        assert (await client.submit("echo", {"text": "a"}))["type"] == "ack"


async def test_a_duplicate_s_snapshot_wants_the_scope_watch(system: System) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token(scope="submit"))) as client:
        await client.submit("noop", key="seen", watch=False)
        ref = await client.send("submit", kind="noop", input={}, key="seen", watch=False)
        ack = await client.answer(ref)
        assert ack["duplicate"] is True
        assert code_of(await client.answer(ref)) == "forbidden"


async def test_a_credential_is_renewed_on_a_live_socket(system: System) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token(scope="watch"))) as client:
        assert code_of(await client.submit("noop")) == "forbidden"
        assert (await client.ask("auth", credential=token(scope="submit watch")))["type"] == "done"
        ack = await client.submit("noop")
        assert ack["type"] == "ack"
        await client.until(ack["token"])


@pytest.mark.parametrize(
    ("credential", "code"),
    [(token("mallory", "admin"), "forbidden"), (token(exp=1), "unauthenticated"), ("x", "unauthenticated")],
    ids=["another-subject", "expired", "wrong"],
)
async def test_a_renewal_that_is_refused_leaves_the_credential_before(
    system: System, credential: str, code: str
) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token())) as client:
        ack = await client.submit("echo", {"text": "a"})
        await client.until(ack["token"])
        assert code_of(await client.ask("auth", credential=credential)) == code
        assert (await client.ask("watch", token=ack["token"]))["type"] == "snapshot"
        assert (await client.ask("auth", credential=token()))["type"] == "done"


async def test_the_end_of_a_credential_is_told_and_then_closes_the_socket(system: System) -> None:
    now = int(time.time())
    dying = token(iat=now - 57, exp=now + 3)  # a fifth of its minute is longer than what is left
    async with peer(system.server.socket_url, additional_headers=bearer(dying)) as client:
        code, (notice, end) = await closed(client)
        assert (notice["ref"], code_of(notice)) == (None, "token_expiring")
        assert 0 < notice["problem"]["retry_after"] <= 3
        assert (end["ref"], code_of(end)) == (None, "unauthenticated")
        assert code == close_codes.UNAUTHENTICATED
        assert time.time() >= now + 3


async def test_a_credential_renewed_in_time_keeps_the_socket_open(system: System) -> None:
    now = int(time.time())
    async with (
        peer(system.server.socket_url, additional_headers=bearer(token(iat=now - 57, exp=now + 3))) as client,
        peer(system.server.socket_url, additional_headers=bearer(token(iat=now - 57, exp=now + 3))) as other,
    ):
        assert code_of(await client.receive()) == "token_expiring"
        assert (await client.ask("auth", credential=token()))["type"] == "done"
        assert (await closed(other))[0] == close_codes.UNAUTHENTICATED
        assert (await client.ask("ping"))["type"] == "pong"


async def test_a_second_credential_waits_for_the_answer_to_the_first_or_is_checked_after_it(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        refs = [await client.send("auth", credential=token()) for _ in range(20)]
        answers = [await client.answer(ref) for ref in refs]
        assert answers[0]["type"] == "done"
        for answer in answers:
            assert answer["type"] == "done" or code_of(answer) == "invalid_frame"


async def test_a_page_of_elsewhere_is_closed_out_whatever_it_holds(system: System) -> None:
    async with connect(
        system.server.socket_url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        origin="https://evil.example",  # type: ignore[arg-type]
        additional_headers=bearer(token()),
    ) as socket:
        with pytest.raises(ConnectionClosed) as over:
            await socket.recv()
        assert over.value.rcvd is not None
        assert over.value.rcvd.code == close_codes.FORBIDDEN


async def test_no_credential_is_found_in_any_log(system: System) -> None:
    credentials = [token("seen"), token("seen", aud="another"), token(exp=1), "tdk_wrong"]
    for credential in credentials:
        async with peer(system.server.socket_url) as client:
            await client.send("auth", credential=credential)
            await client.receive()
        async with peer(system.server.socket_url, additional_headers=bearer(credential)) as client:
            pass
    async with peer(system.server.socket_url) as client:
        await client.connection.send(json.dumps({"type": "auth", "ref": "x", "credential": credentials[0]}))
        await client.receive()
    text = system.server.text()
    assert "inbox_open" in text
    for secret in (*credentials, JWT_SERVER["TIDINGS_JWT_KEY"]):
        assert secret not in text
        assert secret.rpartition(".")[2] not in text
