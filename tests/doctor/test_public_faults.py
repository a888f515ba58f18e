"""What the doctor says of a real proxy before a real server, with each fault made on purpose; and of servers alone."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from support.stores.tls_front import Authority, tls_before
from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until, until_async
from support.web.front import Front
from tidings.process.port import free_port
from tidings_cli.doctor import public_checks
from tidings_cli.doctor.finding import Finding, Level
from tidings_cli.doctor.http_probe import HttpAnswer, WebAddress
from tidings_cli.doctor.machine_checks import check_open_files, check_servers
from tidings_cli.doctor.public_checks import (
    check_encryption,
    check_metrics_hidden,
    check_public,
    check_readiness,
    check_stream,
    check_upgrade,
    judge_date,
)
from tidings_server.auth.api_key import new_key, setting_line

WITHIN_S = 7.0
"""Above the five seconds within which a server sends something on a stream."""

system = system_fixture(workers=0)
KEY = new_key()
guarded = system_fixture(
    workers=0,
    server={"TIDINGS_AUTH": "api_key", "TIDINGS_API_KEYS": setting_line("first", KEY)},
    credential=lambda: KEY,
    scope="function",
)


async def examine(url: str) -> dict[str, Finding]:
    found = await check_public(WebAddress(url, within_s=scaled(WITHIN_S)))
    return {one.check: one for one in found}


@contextmanager
def nginx(system: System, **changes: str) -> Iterator[Front]:
    port = system.server.port
    with Front("nginx", [port, port], 75, {FILE[name]: text for name, text in changes.items()}).running() as front:
        yield front


FILE = {
    "upgrade": "default upgrade;",
    "buffering": "proxy_buffering off;",
    "types": "gzip_types ",
}
"""What in the file of the guide a mistake replaces."""


async def test_the_proxy_of_the_guide_passes_everything(system: System) -> None:
    with nginx(system) as front:
        found = await examine(front.url)
    assert [one for one in found.values() if one.level is not Level.OK] == []
    assert found.keys() == {
        f"public.{name}" for name in ("reach", "tls", "ready", "socket", "stream", "metrics", "clock")
    }


async def test_a_proxy_that_does_not_upgrade_is_found(system: System) -> None:
    with nginx(system, upgrade='default "";') as front:
        finding = await check_upgrade(WebAddress(front.url))
    assert finding.level is Level.PROBLEM
    assert "Upgrade" in finding.do


async def test_a_proxy_that_keeps_streams_back_is_found(system: System) -> None:
    buffering = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"
    with nginx(system, buffering=buffering, types="gzip_types text/event-stream ") as front:
        finding = await check_stream(WebAddress(front.url, within_s=WITHIN_S))
    assert finding.level is Level.PROBLEM, finding
    assert "keeps it back" in finding.says
    assert "buffering" in finding.do or "compression" in finding.do


async def test_an_address_without_anything_behind_it_is_one_problem(system: System) -> None:
    found = await examine(f"http://127.0.0.1:{free_port()}")
    assert [(one.check, one.level) for one in found.values()] == [("public.reach", Level.PROBLEM)]
    with Front("nginx", [free_port(), free_port()], 75).running() as front:
        said = (await examine(front.url))["public.reach"]
    assert "reaches no server (502)" in said.says


async def test_a_path_that_the_proxy_does_not_take_off_is_found(system: System) -> None:
    with nginx(system) as front:
        found = await examine(front.url + "/elsewhere")
    assert [one.check for one in found.values()] == ["public.reach"]
    assert "answers 404" in found["public.reach"].says


async def test_a_server_that_is_not_ready_is_named_with_its_reason(guarded: System) -> None:
    address = WebAddress(guarded.server.url)
    assert (await check_readiness(address)).level is Level.OK
    guarded.store.kill()
    wait_until_unready(guarded)
    (finding,) = await check_servers([address])
    assert (finding.check, finding.level) == ("server.ready", Level.PROBLEM)
    assert finding.says.partition(" is not ready: ")[2].startswith("the inbox is "), finding
    assert (await check_readiness(address)).level is Level.PROBLEM


async def test_a_stream_needs_a_credential_with_its_scope(guarded: System) -> None:
    finding = await check_stream(WebAddress(guarded.server.url))
    assert (finding.level, "asks for a credential" in finding.says) == (Level.SKIPPED, True), finding
    finding = await check_stream(WebAddress(guarded.server.url, KEY))
    assert (finding.level, "scope `feed`" in finding.do) == (Level.SKIPPED, True), finding
    assert "scope" in finding.says.partition("refuses the credential a stream: ")[2], "what the server says of it"


async def test_a_certificate_that_is_not_trusted_is_named_with_the_variable(system: System, tmp_path: Path) -> None:
    with tls_before(system.server.port, Authority(tmp_path, "own").issue("site")) as front:
        found = await examine(f"https://127.0.0.1:{front.port}")
    assert [one.check for one in found.values()] == ["public.reach"]
    assert "is not trusted" in found["public.reach"].says
    assert "SSL_CERT_FILE" in found["public.reach"].do


def test_a_credential_may_lie_in_a_file(guarded: System, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    asked = ("doctor", "--url", guarded.server.url, "--credential", f"@{file}")
    told = run_tidings(*asked, TIDINGS_STORE_URL=guarded.store.url).stdout
    assert "refuses the credential a stream" in told, told


def wait_until_unready(system: System) -> None:
    until(lambda: system.server.get("/readyz")[0] == 503)


async def test_a_server_is_asked_for_its_open_files(system: System) -> None:
    address, process = WebAddress(system.server.url), system.server.process.pid
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    try:
        finding = await wait_for_files(address, before[0])
        assert finding.level is Level.OK
        some = int(finding.says.partition(", with ")[2].split()[0])
        for most, level in ((1024, Level.WARNING), (int(some / 0.85), Level.PROBLEM)):
            resource.prlimit(process, resource.RLIMIT_NOFILE, (most, before[1]))
            finding = await wait_for_files(address, most)
            assert finding.level is level, finding
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)


async def wait_for_files(address: WebAddress, most: int) -> Finding:
    """Return the finding once the server's page, which is up to a second old, shows a limit."""
    (finding,) = await until_async(
        lambda: check_servers([address]), lambda found: f"{most} open files" in found[0].says, seconds=20
    )
    return finding


async def test_a_server_that_does_not_answer_is_a_problem() -> None:
    (finding,) = await check_servers([WebAddress(f"http://127.0.0.1:{free_port()}")])
    assert (finding.check, finding.level) == ("server.ready", Level.PROBLEM)


def test_a_machine_that_admits_few_open_files_is_a_warning() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    try:
        finding = check_open_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert finding.level is Level.WARNING
    assert "1024 open files" in finding.says


def test_an_address_without_encryption_is_a_warning_beyond_loopback() -> None:
    assert check_encryption("http://tidings.example").level is Level.WARNING
    assert check_encryption("https://tidings.example").level is Level.OK
    assert check_encryption("http://127.0.0.1:1").level is Level.OK


async def test_a_page_of_metrics_that_strangers_can_read_is_a_warning(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = WebAddress(system.server.url)
    assert (await check_metrics_hidden(address)).level is Level.OK  # on loopback there are no strangers
    monkeypatch.setattr(public_checks, "LOOPBACK", frozenset())
    assert (await check_metrics_hidden(address)).level is Level.WARNING


async def test_a_clock_of_the_public_address_that_differs_is_a_warning() -> None:
    for ahead_s, level in ((0, Level.OK), (60, Level.WARNING), (-60, Level.WARNING)):
        date = formatdate(time.time() + ahead_s, usegmt=True)
        assert judge_date(HttpAnswer(200, {"date": date}, b""), time.time()).level is level
    assert judge_date(HttpAnswer(200, {}, b""), time.time()).level is Level.SKIPPED
