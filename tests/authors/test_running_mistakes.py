"""Mistakes that show only when a handler runs, as its author sees them under `tidings dev`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dev import Dev

HERE = Path(__file__).with_name("running_mistakes.py")


def line_of(text: str) -> int:
    """Return the number of the line with a text."""
    return next(number for number, line in enumerate(HERE.read_text().splitlines(), start=1) if text in line)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("authors")
    (folder / "jobs.py").write_text(HERE.read_text())
    dev = Dev(folder, "jobs.py")
    try:
        dev.wait_for(lambda: "blocks" in dev.kinds())
        yield dev
    finally:
        dev.close()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("returns_an_object", "what the handler returned: this has no form in JSON: a Invoice at /invoices/0"),
        ("returns_a_coroutine", "the handler returned a coroutine, not its result: await it there"),
        ("steps_by_name", "ctx.step takes a function; this is 'send' (for a child job take ctx.call)"),
        ("steps_elsewhere", "steps are taken by the handler itself or in a branch of ctx.gather, not in a task"),
        ("states_without_lifespan", "ctx.state: job states_without_lifespan has no lifespan; write one in its module"),
        ("too_far", "progress: 7 is not within 0 to 1; give the total as well if this is a count"),
        ("logs_an_object", "a Invoice"),
    ],
)
def test_a_mistake_is_told_in_one_line_of_the_problem(dev: Dev, kind: str, says: str) -> None:
    done = dev.command("submit", kind, "--follow")
    assert done.returncode == 1
    assert says in " ".join(done.stderr.split() + done.stdout.split())


def test_what_the_worker_could_not_keep_names_the_handler_s_line(dev: Dev) -> None:
    dev.command("submit", "returns_an_object", "--follow")
    place = f"{dev.folder / 'jobs.py'}:{line_of('async def returns_an_object') - 1}"
    dev.wait_for(lambda: place in dev.output.read_text())


def test_a_parameter_without_a_hint_is_named_with_its_line(dev: Dev) -> None:
    (line,) = [line for line in dev.output.read_text().splitlines() if "hint_missing" in line]
    assert "servers accept any JSON value for it; write its type, such as item: str" in line
    assert f"jobs.py:{line_of('async def untyped') - 1}" in line


def test_a_call_that_blocks_the_loop_is_told_after_a_second_with_its_line(dev: Dev) -> None:
    assert dev.command("submit", "blocks", "--follow").returncode == 0
    said = [line for line in dev.output.read_text().splitlines() if "loop_blocked" in line]
    assert said
    assert f"in blocks (jobs.py, line {line_of('time.sleep(1.9)')})" in said[0]
    assert "a handler that is `async def` must await what takes long" in said[0]
