"""Published keys: fetched, rotated, kept while the issuer is away, and never asked for in floods."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from auth.issuer import Issuer, running_issuer
from support.credential import P256, RSA, jwk, token
from support.waiting import until_async
from tidings.protocol.problems import ProblemError
from tidings_server.auth.jwks import PublishedKeys
from tidings_server.auth.jwt import JwtAuthenticator


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        issuer.keys = [jwk(RSA, "one")]
        yield issuer


@asynccontextmanager
async def fetching(issuer: Issuer, **options: Any) -> AsyncIterator[PublishedKeys]:
    keys = PublishedKeys(issuer.url, **options)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.run)
        yield keys
        tasks.cancel_scope.cancel()


async def test_a_token_is_verified_with_the_key_it_names(issuer: Issuer) -> None:
    issuer.keys.append(jwk(P256, "two"))
    async with fetching(issuer) as keys:
        by = JwtAuthenticator(keys, audience="tidings")
        for key, algorithm, kid in ((RSA, "RS256", "one"), (P256, "ES256", "two")):
            assert (await by.identify(token(key=key, algorithm=algorithm, headers={"kid": kid}))).owner == "alice"
        for headers in ({"kid": "two"}, None):
            with pytest.raises(ProblemError):
                await by.identify(token(key=RSA, algorithm="RS256", headers=headers))
    assert issuer.asked == 1


async def test_a_token_without_an_id_is_verified_where_there_is_one_key(issuer: Issuer) -> None:
    async with fetching(issuer) as keys:
        by = JwtAuthenticator(keys, audience="tidings")
        assert (await by.identify(token(key=RSA, algorithm="RS256"))).owner == "alice"


async def test_a_new_key_is_fetched_when_a_token_names_it_and_one_withdrawn_is_gone(issuer: Issuer) -> None:
    clock = Clock()
    async with fetching(issuer, now=clock) as keys:
        assert await keys.find("one")
        issuer.keys = [jwk(P256, "two")]
        clock.time += 11
        found = await keys.find("two")
        assert found is not None
        assert found.algorithm == "ES256"
        assert await keys.find("one") is None
    assert issuer.asked == 2


async def test_a_key_withdrawn_leaves_though_no_credential_names_another(issuer: Issuer) -> None:
    async with fetching(issuer, max_age_s=0.02) as keys:
        assert await keys.find("one")
        issuer.keys = [jwk(P256, "two")]
        await until_async(lambda: keys.find("one"), lambda found: not found, seconds=10)


async def test_a_flood_of_invented_ids_is_one_fetch(issuer: Issuer) -> None:
    clock = Clock()
    async with fetching(issuer, now=clock) as keys:
        assert await keys.find("one")
        clock.time += 11
        found: list[object] = []

        async def ask(kid: str) -> None:
            found.append(await keys.find(kid))

        async with anyio.create_task_group() as tasks:
            for number in range(500):
                tasks.start_soon(ask, f"invented-{number}")
        found += [await keys.find(f"later-{number}") for number in range(500)]
        assert found == [None] * 1000
    assert issuer.asked == 2


async def test_while_the_issuer_is_away_the_last_keys_stand(issuer: Issuer) -> None:
    clock = Clock()
    async with fetching(issuer, now=clock) as keys:
        assert await keys.find("one")
        issuer.stop()
        clock.time += 11
        assert await keys.find("two") is None
        assert await keys.find("one")
        issuer.keys.append(jwk(P256, "two"))
        issuer.start()
        clock.time += 11
        assert await keys.find("two")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b'{"keys":[]}', b" " * 1_100_000 + b'{"keys":[]}', b"\xff"],
    ids=["empty", "broken", "deep", "none", "large", "binary"],
)
async def test_what_is_no_key_set_changes_nothing(issuer: Issuer, body: bytes) -> None:
    clock = Clock()
    async with fetching(issuer, now=clock) as keys:
        assert await keys.find("one")
        issuer.body = body
        clock.time += 11
        assert await keys.find("two") is None
        assert await keys.find("one")


async def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    with running_issuer() as other:
        other.keys = [jwk(P256, "two")]
        issuer.redirect = other.url
        async with fetching(issuer) as keys:
            with pytest.raises(ProblemError):
                await keys.find("two")
        assert issuer.asked == 1
        assert other.asked == 0


async def test_before_the_first_fetch_no_client_hears_that_its_credential_is_wrong(issuer: Issuer) -> None:
    issuer.stop()
    clock = Clock()
    async with fetching(issuer, now=clock) as keys:
        with pytest.raises(ProblemError) as refused:
            await keys.find("one")
        assert refused.value.code == "auth_unavailable"
        assert refused.value.problem.retry_after
        assert not keys.ready
        issuer.start()
        clock.time += 11
        assert await keys.find("one")
        assert keys.ready
