"""`tidings types`: what it writes stays the same, the TypeScript compiler takes it, and no text becomes code in it."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings_cli.client_types.kind_types import ListedKind
from tidings_cli.client_types.listed_kinds import MAX_BYTES, kinds_of_server
from tidings_cli.client_types.names import comment
from tidings_cli.client_types.python import python
from tidings_cli.client_types.shapes import MAX_DEPTH, SchemaTooLargeError
from tidings_cli.client_types.types_command import types
from tidings_cli.client_types.typescript import typescript
from tidings_cli.command_errors import CommandError
from typed.checkers import ROOT

GOLDEN = Path(__file__).parent / "golden"
KINDS = ROOT / "tests" / "support" / "handlers" / "schema_kinds.py"
TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"

system = system_fixture(str(KINDS))


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run_tidings("types", *arguments, **environment)


def tsc(folder: Path) -> str:
    """Return what the compiler says of the TypeScript files of a folder, strict, against the shipped types."""
    package = folder / "node_modules" / "tidings"
    package.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "package.json", package)
    if not (package / "static").exists():
        shutil.copytree(ROOT / "static", package / "static")
    (folder / "package.json").write_text('{"type": "module"}')
    options = {
        "target": "ES2022", "module": "NodeNext", "moduleResolution": "NodeNext", "strict": True, "noEmit": True,
        "lib": ["ES2023", "DOM", "DOM.Iterable"], "types": [], "noUnusedLocals": True,
    }  # fmt: skip
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    done = subprocess.run(
        ["node", str(TSC), "-p", "."], cwd=folder, capture_output=True, text=True, check=False, timeout=scaled(120)
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("flag", "file"), [("--ts", "kinds.ts"), ("--py", "kinds.py")])
def test_a_module_is_written_as_it_was_before(flag: str, file: str) -> None:
    done = run(flag, "--module", str(KINDS))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (GOLDEN / file).read_text()


@pytest.mark.parametrize(("flag", "file"), [("--ts", "kinds.ts"), ("--py", "kinds.py")])
def test_a_server_gives_the_same_as_the_module(system: System, tmp_path: Path, flag: str, file: str) -> None:
    out = tmp_path / file
    done = run(flag, "--url", system.server.url, "--out", str(out))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert out.read_text() == (GOLDEN / file).read_text()


@pytest.mark.timeout(300)
def test_typescript_is_compiled_strictly_and_refuses_what_a_kind_does_not_take(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "kinds.ts", tmp_path)
    shutil.copy(Path(__file__).parent / "cases" / "usage.ts", tmp_path)
    assert tsc(tmp_path) == ""


def test_written_python_submits_and_gets_results(system: System, tmp_path: Path) -> None:
    program = """
import asyncio, sys
from kinds import class_of_names, list_2, nothing, price
from tidings import Client

async def main() -> None:
    async with Client(sys.argv[1]) as client:
        async def result(handle): return await handle.result(timeout=30)
        print(await result(await client.submit(price, item="tea", amount=2)))
        print(await result(await client.submit(class_of_names, {"class": "c"})))
        print(await result(await client.submit(nothing)))

asyncio.run(main())
"""
    shutil.copy(GOLDEN / "kinds.py", tmp_path)
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py"), system.server.url],
        capture_output=True, text=True, check=False, timeout=scaled(60),
    )  # fmt: skip
    assert done.stdout.splitlines() == ["6", "{'street': \"{'class': 'c'}\"}", "None"], done.stderr


# Texts of strangers.


NASTY = st.sampled_from(
    ["*/ evil() /*", '"; evil(); "', "'; evil() #", "\n evil()", '"""', "\\", "\u2028evil()", "\ud800",
     "💥", "class", "1", "",
     "__proto__", "*\\/", "${evil()}", "`", "</script>", "None", "def", "ü", "a b", "Kinds", "typed", "#\revil()"]
) | st.text(max_size=8)  # fmt: skip
LEAVES = st.one_of(
    st.sampled_from([{"type": "string"}, {"type": "null"}, {}, True, False, 3, None, {"type": "odd"}, {"$ref": "#"}]),
    NASTY.map(lambda text: {"const": text}),
    st.lists(NASTY, max_size=3).map(lambda texts: {"enum": texts}),
    NASTY.map(lambda text: {"$ref": f"#/$defs/{text}"}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(NASTY, inner, max_size=3).map(lambda value: {"type": "object", "properties": value}),
        st.builds(
            lambda value, names, doc, more: {
                "type": "object", "properties": value, "required": names, "description": doc,
                "additionalProperties": more,
            },
            st.dictionaries(NASTY, inner, max_size=3), st.lists(NASTY, max_size=2), NASTY, inner,
        ),
        st.lists(inner, max_size=3).map(lambda value: {"anyOf": value}),
        st.lists(inner, max_size=3).map(lambda value: {"type": "array", "prefixItems": value, "minItems": 1}),
        inner.map(lambda value: {"type": "array", "items": value}),
        st.tuples(NASTY, inner).map(lambda pair: {"$defs": {pair[0]: pair[1]}, "$ref": f"#/$defs/{pair[0]}"}),
    ),
    max_leaves=8,
)  # fmt: skip


def encoded(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode("utf-8", "surrogatepass"))


def listed(kind: str, value: Any, result: Any = None, doc: str = "") -> ListedKind:
    return ListedKind(kind, encoded(value), encoded(result), doc)


@settings(max_examples=100)
@given(st.lists(st.tuples(NASTY, SCHEMAS, SCHEMAS, NASTY), max_size=3, unique_by=lambda one: one[0]))
def test_no_text_of_a_server_becomes_code_in_python(found: list[tuple[str, Any, Any, str]]) -> None:
    try:
        text = python(listed(*one) for one in found)
    except msgspec.DecodeError:
        return  # half of a surrogate pair: no server's answer has one
    text.encode("ascii")
    calls: list[str] = []
    scope: dict[str, Any] = {"__name__": "written", "evil": lambda: calls.append("evil")}
    exec(compile(text, "written", "exec"), scope)  # noqa: S102 - that is what the test is about
    assert calls == []
    assert len(scope["__all__"]) == len(found)
    assert sorted(scope[name].kind for name in scope["__all__"]) == sorted(one[0] for one in found)


@pytest.mark.timeout(300)
def test_no_text_of_a_server_becomes_code_in_typescript(tmp_path: Path) -> None:
    """One file of many schemas: the compiler is slow to start."""
    cases: list[tuple[str, Any, Any, str]] = []

    @settings(max_examples=60, database=None, derandomize=True)
    @given(st.tuples(NASTY, SCHEMAS, SCHEMAS, NASTY))
    def collect(one: tuple[str, Any, Any, str]) -> None:
        cases.append(one)

    collect()
    kinds = []
    for number, (name, value, result, doc) in enumerate(cases):
        one = listed(f"{name}{number}", value, result, doc)
        try:
            typescript([one], "tidings")
        except msgspec.DecodeError:
            continue
        kinds.append(one)
    text = typescript(kinds, 'tidings"; evil(); "').replace(json.dumps('tidings"; evil(); "'), '"tidings"')
    text.encode("ascii")
    (tmp_path / "kinds.ts").write_text(text)
    assert tsc(tmp_path) == ""


@pytest.mark.parametrize("text", ["*/ x", "a\nb", "\u2028", "\r", "/*", "é" * 1000])
def test_a_comment_is_one_line_of_plain_signs_that_ends_no_comment(text: str) -> None:
    found = comment(text)
    assert found.isascii()
    assert found.isprintable() or not found
    assert "*/" not in found


def test_a_schema_without_end_is_refused() -> None:
    deep: Any = {"type": "string"}
    for _ in range(MAX_DEPTH + 1):
        deep = {"type": "array", "items": deep}
    with pytest.raises(SchemaTooLargeError):
        python([listed("k", deep)])
    wide = {
        "$defs": {str(n): {"anyOf": [{}] * 1000} for n in range(200)},
        "anyOf": [{"$ref": f"#/$defs/{n}"} for n in range(200)],
    }
    with pytest.raises(SchemaTooLargeError):
        typescript([listed("k", wide)], "tidings")


def test_a_long_chain_of_references_is_followed_and_a_circle_is_opened() -> None:
    chain = {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(5000)} | {"5000": {"type": "string"}}
    text = python([listed("k", {"$defs": chain, "$ref": "#/$defs/0"})])
    assert "KInput5000: TypeAlias = 'str'" in text
    both = [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, {"type": "string"}]
    circle = {"$defs": {"a": {"anyOf": both}, "b": {"anyOf": both}}, "anyOf": both}
    assert "export type KInputA = unknown;" in typescript([listed("k", circle)], "tidings")


# What goes wrong.


def test_each_mistake_is_one_line_that_says_what_to_do(system: System, tmp_path: Path) -> None:
    kinds = str(KINDS)
    for given_, says in [
        ({"module": kinds}, "give one of --ts and --py"),
        ({"ts": True, "py": True}, "give one of --ts and --py"),
        ({"py": True, "module": "no_such_module"}, "there is no module 'no_such_module'"),
        ({"py": True, "url": "ftp://host"}, "is no address of a server"),
        ({"py": True, "url": "http://127.0.0.1:9"}, "is the server running?"),
        ({"py": True, "url": f"{system.server.url}/elsewhere"}, "answers 404"),
        ({"py": True, "module": kinds, "out": tmp_path / "no" / "file.py"}, "cannot be written"),
    ]:
        with pytest.raises(CommandError) as told:
            types(**given_)  # type: ignore[arg-type]
        assert says in str(told.value)
        assert len(str(told.value).splitlines()) == 1


@pytest.fixture
def played() -> Iterator[tuple[str, list[str | None], list[tuple[int, dict[str, str], bytes]]]]:
    """A server's address, the credentials that it was given, and the answers that it gives, in order."""
    heard: list[str | None] = []
    answers: list[tuple[int, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["authorization"])
            code, headers, body = answers.pop(0)
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard, answers
        server.shutdown()
        thread.join()


def test_a_credential_goes_to_the_server_and_to_no_other_place(played: Any) -> None:
    url, heard, answers = played
    answers.append((200, {}, b'{"kinds": [{"kind": "k", "input": {}, "new": 1}], "more": true}'))
    assert [one.kind for one in kinds_of_server(url, "secret")] == ["k"]
    answers.append((302, {"location": f"{url}/elsewhere"}, b""))
    with pytest.raises(CommandError, match="answers 302: give the address that the server itself has"):
        kinds_of_server(url, "secret")
    answers.append((401, {}, b""))
    with pytest.raises(CommandError, match="give a credential with the scope `submit`"):
        kinds_of_server(url, None)
    assert heard == ["Bearer secret", "Bearer secret", None]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"kinds": [{}]}', b"[" * 100_000, b'{"kinds": [' + b" " * MAX_BYTES])
def test_an_answer_without_kinds_is_refused(played: Any, body: bytes) -> None:
    url, _, answers = played
    answers.append((200, {}, body))
    with pytest.raises(CommandError, match=r"lists no kinds|more than"):
        kinds_of_server(url, None)
