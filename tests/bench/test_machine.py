from pathlib import Path

import pytest
from bench.harness.machine import build, machine, pinned


def test_what_peers_are_made_of_is_read_from_where_it_is_pinned(tmp_path: Path) -> None:
    (tmp_path / "requirements-one.txt").write_text("# one\nqueue[redis]==1.2\nredis==5.3\n")
    (tmp_path / "requirements-two.txt").write_text("redis==8.1\n# redis==9\n")
    folder = tmp_path / "peer/some"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true, "dependencies": {"ws": "8.23.0"}}')
    found = pinned(tmp_path)
    found.pop("Node", None)
    assert found == {"queue[redis]": "1.2", "redis": "5.3 and 8.1", "ws": "8.23.0"}


def test_the_facts_of_the_machine_are_all_known() -> None:
    facts = machine()
    assert {"processor", "kernel", "Python", "Valkey", "uvicorn", "redis", "commit"} <= set(facts)
    assert all(facts.values())


@pytest.mark.parametrize(
    ("arguments", "prefix", "said"),
    [
        (
            "'--enable-shared' '--enable-optimizations' '--with-lto'",
            "/usr/local",
            "with --enable-optimizations, --with-lto",
        ),
        ("'--enable-shared'", "/usr", "by the distribution"),
        ("'--enable-shared'", "/opt/python", "without --enable-optimizations"),
        ("'--disable-gil'", "/opt/python", "without --enable-optimizations, --disable-gil"),
    ],
)
def test_the_build_of_the_interpreter_is_named(arguments: str, prefix: str, said: str) -> None:
    assert build(arguments, prefix) == f"built {said}"
    assert "built " in machine()["Python"]
