"""A worker registers only kinds that every server can use; else it refuses to start, in one line."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import redis

from support.store import StoreProcess
from support.system import WorkerProcess
from tidings import Job, job
from tidings.store.keys import StoreKeys
from tidings_worker.loading.kind_checks import UnservableKindError, check_kinds

PATTERNS = [r"\AX\Z", r"(?P<n>a)(?P=n)", "(?>a)b" if sys.version_info >= (3, 11) else r"\Aa", r"\N{BULLET}", "a{,3}"]


class Part(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern=r"\Aa\Z")]


def kind(hint: Any) -> Job[Any, Any]:
    async def parcel(value: int = 0) -> None: ...

    parcel.__annotations__["value"] = hint
    parcel.__defaults__ = None
    return job(parcel)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("engine", [True, False])
def test_a_pattern_that_servers_lack_is_refused_with_kind_and_field(
    pattern: str, engine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not engine:
        monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(UnservableKindError) as refused:
        check_kinds([kind(Annotated[str, msgspec.Meta(pattern=pattern)])])
    assert str(refused.value).startswith(f"{__file__}:25: job parcel: the field value: the pattern ")
    assert "; write " in str(refused.value)
    assert "\n" not in str(refused.value)


def test_it_is_found_wherever_it_stands() -> None:
    code = Annotated[str, msgspec.Meta(pattern=r"a\Z")]
    for hint, field in [
        (list[code], "value[]"),
        (dict[str, code], "value"),
        (dict[code, int], "value"),
        (code | None, "value"),
        (tuple[int, code], "value"),
        (list[Part], "Part.code"),
    ]:
        with pytest.raises(UnservableKindError, match="the field ") as refused:
            check_kinds([kind(hint)])
        assert f"the field {field}:" in str(refused.value)


def test_a_union_of_too_many_types_inside_each_other_is_refused() -> None:
    hint: Any = int
    for number in range(30):
        parts = [msgspec.defstruct(f"S{number}_{n}", [("a", hint)], tag=True) for n in range(2)]
        hint = parts[0] | parts[1]
    check_kinds([kind(hint)])  # each object is a place of its own


def test_what_only_names_a_pattern_is_none() -> None:
    class Named(msgspec.Struct):
        pattern: str = r"\A"
        properties: dict[str, str] = {}

    check_kinds([kind(Named)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.py"
    path.write_text(
        "from typing import Annotated\n"
        "from msgspec import Meta\n"
        "from tidings import job\n\n\n"
        "@job\n"
        "async def parcel(code: Annotated[str, Meta(pattern=r'\\AX\\Z')]) -> None: ...\n"
    )
    return path


def test_a_worker_refuses_to_start_and_registers_nothing(store_process: StoreProcess, file: Path) -> None:
    with redis.Redis(port=store_process.port) as client:
        client.flushall()
        worker = WorkerProcess(store_process.url, str(file))
        try:
            assert worker.wait(30) == 1
            assert worker.text().strip() == (
                f"tidings: {file}:6: job parcel: the field code: the pattern '\\\\AX\\\\Z' has `\\A` at character 1, "
                "which the servers' regular expressions (those of JSON Schema, ECMA-262) lack or read otherwise; "
                "write '^X$'"
            )
            assert client.hlen(StoreKeys().kinds) == 0
        finally:
            worker.close()
