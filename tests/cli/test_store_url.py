"""The address of a store: what is accepted, and that no message about a mistake in it shows a part of a password."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socket import create_server, socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.asyncio.connection import parse_url

from support.store import StoreProcess, running_store
from support.tidings_command import run_tidings
from tidings.process.port import free_port
from tidings.settings.settings import SettingsError, StoreSettings, from_env
from tidings.settings.store_url import StoreUrlError, parse_store_url, show_store_url
from tidings.store.embedded.embedded_store import EmbeddedStore
from tidings.store.sentinel.sentinel_directory import sentinel_options
from tidings_server.app import create_app
from tidings_server.settings import ServerSettings

SECRETS = ("hush", "tell", "zebra")
"""The parts of the passwords below; no message may hold one."""

MISTAKES = [
    ("", "is empty"),
    ("localhost:6379", "no scheme"),
    ("redis:/localhost", "no scheme"),
    ("hush@localhost", "no scheme"),
    ("http://localhost:6379", "scheme is unknown"),
    ("hush://tell@localhost", "scheme is unknown"),
    ("valkey://", "names no host"),
    ("redis://:hush@", "names no host"),
    ("redis://:hush/tell@localhost:6379/0", "write `/` as %2F"),
    ("redis://:hush?tell@localhost:6379/0", "%3F"),
    ("redis://:hush#tell@localhost:6379/0", "%23"),
    ("redis://:hush%tell@localhost:6379/0", "%25"),
    ("redis://:hush tell@localhost", "%20"),
    ("redis://:hush@tell/zebra@localhost", "%2F"),
    ("redis://user:hush", "port is not a number"),
    ("redis://localhost:hush/0", "port is not a number"),
    ("redis://localhost:0/0", "port is not a number"),
    ("redis://localhost:65536/0", "port is not a number"),
    ("redis://localhost:/0", "port is not a number"),
    ("redis://:hush@local host", "%20"),
    ("redis://:hush@lo!cal", "host is not a name"),
    ("redis://:hush@[::1", "brackets"),
    ("redis://[tell]:6379", "brackets"),
    ("redis://" + "a" * 64 + ":6379", "host is not a name"),
    ("redis://localhost:6379/99x", "database is not a whole number"),
    ("redis://localhost:6379/-1", "database is not a whole number"),
    ("redis://localhost:6379/0/1", "database is not a whole number"),
    ("redis://localhost:6379/99999999999", "database is not a whole number"),
    ("redis://localhost:6379/1?db=2", "twice"),
    ("redis://localhost:6379/?db=x", "database is not a whole number"),
    ("redis://localhost:6379/0?protocol=3", "there are: client_name, db, password, username"),
    ("redis://localhost:6379/0?ssl_cert_reqs=none", "need rediss://"),
    ("rediss://localhost:6379/0?ssl_cert_reqs=hush", "none, optional or required"),
    ("redis://localhost:6379/0?hush", "NAME=VALUE"),
    ("redis://localhost:6379/0?db=1&db=2", "twice"),
    ("unix://run/store.sock", "absolute"),
    ("unix://:hush/tell@/run/store.sock", "absolute"),
    ("unix://", "names no unix socket"),
    ("redis+sentinel://h:1", "names no primary"),
    ("redis+sentinel://h:1/a%20b", "names no primary"),
    ("redis+sentinel://h:1,/orders", "names no host"),
    ("redis+sentinel://h:1,h:hush/orders", "port is not a number"),
    ("redis+sentinel://h:1,h:1/orders", "the same port twice"),
    ("redis+sentinel://" + ",".join(f"h{n}" for n in range(33)) + "/orders", "names 33 hosts; allowed: 32"),
    ("redis+sentinel://:hush@h/orders/x", "database is not a whole number"),
    ("redis+sentinel://h/orders?sentinel_username=hush", "without sentinel_password"),
    ("redis+sentinel://h/orders?ssl_cert_reqs=none", "need rediss://"),
    ("redis://h/0?sentinel_password=hush", "there are: client_name, db, password, username"),
    ("redis+hush://h/orders", "scheme is unknown"),
    ("redis+cluster://h:1/3", "a cluster has no database but 0"),
    ("redis+cluster://h:1,h:1", "the same port twice"),
    ("redis+cluster://h?sentinel_password=hush", "there are: client_name, db, password, username"),
    ("redis+://h/orders", "scheme is unknown"),
    ("unix+sentinel:///run/orders", "scheme is unknown"),
    (" redis://localhost", "white space"),
    ("redis://:hush@localhost\n", "line break"),
]


@pytest.mark.parametrize(("url", "says"), MISTAKES)
def test_a_malformed_address_is_one_line_without_a_part_of_the_password(url: str, says: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        from_env(StoreSettings, {"TIDINGS_STORE_URL": url})
    text = str(wrong.value)
    assert text.startswith("TIDINGS_STORE_URL: the store's address is malformed: ")
    assert says in text
    assert "\n" not in text
    assert not any(secret in text for secret in SECRETS)
    assert show_store_url(url) == "(a malformed address)"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("redis://h", {"host": "h", "db": 0}),
        ("VALKEY://h:1/3", {"host": "h", "port": 1, "db": 3}),
        ("valkey://me:hush@h:1/3", {"host": "h", "username": "me", "password": "hush"}),
        ("redis://:hu@sh@h", {"host": "h", "password": "hu@sh"}),
        ("redis://:hu:sh@h", {"host": "h", "password": "hu:sh"}),
        ("redis://:hu%2Fs%23h%25@h", {"host": "h", "password": "hu/s#h%"}),
        ("redis://[::1]:7/", {"host": "::1", "port": 7, "db": 0}),
        ("redis://h/?db=4", {"db": 4}),
        ("unix:///run/a%20b.sock", {"path": "/run/a b.sock"}),
        ("unix://me:hush@/run/s?db=2", {"path": "/run/s", "db": 2, "username": "me", "password": "hush"}),
        ("rediss://h:1/2?ssl_ca_certs=/a/b", {"ssl_ca_certs": "/a/b", "db": 2}),
        ("valkeys://h", {"host": "h"}),
    ],
)
def test_what_is_well_formed_reaches_the_library_as_it_was_meant(url: str, wanted: dict[str, object]) -> None:
    found = parse_url(parse_store_url(url).address)
    assert {name: found.get(name) for name in wanted} == wanted
    assert "hush" not in show_store_url(url)


def test_an_address_of_sentinels_is_taken_apart() -> None:
    url = "valkeys+sentinel://me:hu%2Fsh@a:1,[::1]:2,c/orders.1/3?sentinel_password=hush&ssl_ca_certs=/a"
    found = parse_store_url(url)
    assert found.hosts == (("a", 1), ("::1", 2), ("c", 26_379))
    assert (found.service, found.database, found.tls) == ("orders.1", 3, True)
    assert (found.sentinel_username, found.sentinel_password) == (None, "hush")
    assert found.shown == "rediss+sentinel://***@a:1,[::1]:2,c:26379/orders.1/3?ssl_ca_certs=%2Fa"
    named = parse_url(found.address)
    assert (named["username"], named["password"], named["db"]) == ("me", "hu/sh", 3)
    options = sentinel_options(found, dict(named))
    assert (options["username"], options["password"], options["ssl_ca_certs"]) == (None, "hush", "/a")
    assert not options.keys() & {"db", "host", "port", "client_name"}


def test_an_address_of_a_cluster_lists_nodes() -> None:
    found = parse_store_url("valkeys+cluster://me:hush@a:1,b/0?ssl_ca_certs=/a")
    assert (found.cluster, found.hosts, found.tls) == (True, (("a", 1), ("b", 6379)), True)
    assert found.shown == "rediss+cluster://***@a:1,b:6379?ssl_ca_certs=%2Fa"
    named = dict(parse_url(found.address))
    assert (named["username"], named["password"], named["ssl_ca_certs"]) == ("me", "hush", "/a")


@given(st.text(alphabet=":/?#[]@%&= a0.-", max_size=24), st.sampled_from(["redis", "valkeys", "unix"]))
@example(":hush/x", "redis")
@example("@/", "unix")
def test_of_any_password_without_an_escape_no_message_shows_a_part(between: str, scheme: str) -> None:
    url = f"{scheme}://me:zebra{between}zebra@localhost/0"
    try:
        shown = parse_store_url(url).shown
    except StoreUrlError as error:
        shown = str(error)
    assert "zebra" not in shown
    assert "zebra" not in show_store_url(url)


@given(st.text(max_size=40))
def test_any_password_that_is_escaped_arrives(password: str) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    url = f"redis://:{quote(password, safe='')}@h/0"
    assert parse_url(parse_store_url(url).address).get("password", "") == password
    if len(password) > 6:
        assert password not in parse_store_url(url).shown


def test_an_application_refuses_a_malformed_address_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_STORE_URL", "redis://:hush/tell@localhost")
    with pytest.raises(SettingsError, match="TIDINGS_STORE_URL"):
        create_app()
    with pytest.raises(SettingsError, match="TIDINGS_STORE_URL"):
        ServerSettings(store_url="localhost:6379")
    assert "hush" not in repr(from_env(StoreSettings, {"TIDINGS_STORE_URL": "redis://:hush@h"}))


COMMANDS = (
    ["serve"], ["work", "jobs.py"], ["dev", "jobs.py"], ["status"], ["top", "--once"], ["pause", "q"], ["resume", "q"],
    ["dead", "list"], ["dead", "show", "default." + "a" * 22], ["breaker", "list"],
)  # fmt: skip
"""Every command that takes a store's address."""


def run(arguments: list[str], url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    jobs = folder / "jobs.py"
    if not jobs.exists():
        jobs.write_text("from tidings import job\n\n@job\nasync def nothing() -> None: ...\n")
    return run_tidings(*arguments, folder=str(folder), TIDINGS_STORE_URL=url, TIDINGS_PORT=str(free_port()))


def assert_one_line(done: "subprocess.CompletedProcess[str]", code: int, says: str) -> None:
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("tidings: ")
    assert says in line
    assert done.stdout == ""
    assert not any(secret in line for secret in SECRETS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_one_line_of_a_mistake(command: list[str], tmp_path: Path) -> None:
    assert_one_line(run(command, "redis://:hush/tell@localhost:6379/0", tmp_path), 2, "TIDINGS_STORE_URL")
    assert_one_line(run(command, "valkey://:hu@hush@127.0.0.1:1", tmp_path), 3, "redis://***@127.0.0.1:1/0")


@pytest.fixture(scope="module")
def guarded() -> Iterator[StoreProcess]:
    """A store with a password that needs escapes."""
    with running_store() as store:
        store.tell("CONFIG SET requirepass hush/@#")
        yield store


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://127.0.0.1:{port}/0", "refuses the user name or password"),
        ("redis://:zebra@127.0.0.1:{port}/0", "refuses the user name or password"),
        ("redis://zebra@127.0.0.1:{port}/0", "refuses the user name or password"),
        ("redis://:hush%2F%40%23@127.0.0.1:{port}/9999", "has no database 9999"),
        ("redis+cluster://:hush%2F%40%23@127.0.0.1:{port}", "is no cluster"),
        ("redis+cluster://:zebra@127.0.0.1:{port}", "refuses the user name or password"),
        ("redis+cluster://127.0.0.1:1", "no store answers at redis+cluster://127.0.0.1:1"),
        ("rediss://:hush%2F%40%23@127.0.0.1:{port}/0", "does not speak TLS"),
        ("valkeys://127.0.0.1:{port}/0?ssl_ca_certs=/none", "no store answers at"),
    ],
)
def test_what_a_store_refuses_is_one_line(guarded: StoreProcess, tmp_path: Path, url: str, says: str) -> None:
    first, *others = (["status"], ["serve"], ["work", "jobs.py"], ["dev", "jobs.py"])
    assert_one_line(run(first, url.format(port=guarded.port), tmp_path), 3, says)
    with ThreadPoolExecutor() as threads:  # to find out that a store speaks no TLS takes seconds
        for done in threads.map(lambda command: run(command, url.format(port=guarded.port), tmp_path), others):
            assert_one_line(done, 3, says)


def test_a_password_with_escapes_is_let_in(guarded: StoreProcess, tmp_path: Path) -> None:
    done = run(["status", "--json"], f"valkey://:hush%2F%40%23@127.0.0.1:{guarded.port}/0", tmp_path)
    assert json.loads(done.stdout)["workers"] == []


@contextmanager
def answering(answer: bytes, certificate: Path | None = None) -> Iterator[int]:
    """Answer each connection's first bytes so, by TLS if there is a certificate; the port."""
    with create_server(("127.0.0.1", 0)) as listening:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate is not None:
            context.load_cert_chain(certificate)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection: socket) -> None:
            try:
                with connection if certificate is None else context.wrap_socket(connection, server_side=True) as peer:
                    peer.recv(1_000)
                    peer.sendall(answer)
            except OSError:
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port: int = listening.getsockname()[1]
        yield port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    key = file.with_name("key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(file)], check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + key.read_text())
    return file


def test_plain_text_to_a_port_of_tls_is_said(certificate: Path, tmp_path: Path) -> None:
    with answering(b"", certificate) as port:
        assert_one_line(run(["status"], f"redis://127.0.0.1:{port}", tmp_path), 3, "write rediss://")


def test_a_certificate_that_is_not_trusted_is_said(certificate: Path, tmp_path: Path) -> None:
    with answering(b"", certificate) as port:
        assert_one_line(run(["status"], f"valkeys://127.0.0.1:{port}", tmp_path), 3, "ssl_ca_certs=FILE")


def test_another_service_at_the_port_is_said(tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert_one_line(run(["status"], f"redis://127.0.0.1:{port}", tmp_path), 3, "is not Redis or Valkey")


def test_an_embedded_store_runs_in_a_folder_with_characters_of_addresses(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "a%20#b?c@d") as store:
        done = run(["status", "--json"], store.url, tmp_path)
        assert json.loads(done.stdout)["workers"] == []


@pytest.mark.parametrize("command", [["submit", "kind"], ["types", "--py"]])
def test_a_server_s_certificate_that_is_not_trusted_is_said(certificate: Path, command: list[str]) -> None:
    with answering(b"HTTP/1.1 400 no\r\ncontent-length: 0\r\n\r\n", certificate) as port:
        for authority, says in ((None, "SSL_CERT_FILE names a file"), (str(certificate), "400")):
            environment = {} if authority is None else {"SSL_CERT_FILE": authority}
            done = run_tidings(*command, "--url", f"https://localhost:{port}", **environment)
            assert_one_line(done, 1, says)
