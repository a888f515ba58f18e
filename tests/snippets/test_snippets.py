"""Every fenced block of the README and the docs is run as a file, page by page, as a reader would; or says why not."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from snippets.pages import ROOT, Block, blocks
from snippets.table import PRINTS, RUNS, SHOWN, WAYS
from snippets.world import World
from support.web.chromium import running_browser

BLOCKS = blocks()
MOST_SHOWN = 21
"""How many blocks may be shown and not run: drawings, and what commands print."""


def way(block: Block) -> str:
    ways = WAYS.get(block.page, "").split()
    return ways[block.number] if block.number < len(ways) else ""


def test_every_block_has_a_way_and_every_way_a_block() -> None:
    found: dict[str, int] = {}
    for block in BLOCKS:
        found[block.page] = max(found.get(block.page, 0), block.number + 1)
    assert {page: len(ways.split()) for page, ways in WAYS.items()} == found


def test_what_is_shown_and_not_run_is_little_and_has_its_reason() -> None:
    assert {block.name for block in BLOCKS if way(block) == "shown"} == SHOWN.keys()
    assert len(SHOWN) <= MOST_SHOWN
    assert all(SHOWN.values())


def test_every_part_of_the_table_is_about_a_block() -> None:
    names = {block.name for block in BLOCKS}
    assert RUNS.keys() == {block.name for block in BLOCKS if way(block) == "jobs"}
    assert PRINTS.keys() <= names


def test_a_language_is_named_as_it_is_run() -> None:
    languages = {
        "jobs": {"python"}, "tests": {"python"}, "python": {"python"}, "module": {"js"}, "page": {"html"},
        "nginx": {"nginx"},
        "haproxy": {"haproxy"}, "prometheus": {"yaml"}, "json": {"json"}, "shell": {"", "sh"}, "settings": {""},
        "store": {""}, "receiver": {"python", "js"}, "component": {"tsx", "vue", "svelte"}, "shown": {"", "jsx"},
        "django": {"", "js", "python"}, "peer": {"python", "js"},
    }  # fmt: skip
    for block in BLOCKS:
        assert block.language in languages[way(block)], block.name


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


class Worlds:
    """One world at a time: what the blocks of a page build on each other in."""

    def __init__(self, browser: Browser, factory: pytest.TempPathFactory) -> None:
        self._browser = browser
        self._factory = factory
        self._world: World | None = None

    def of(self, page: str) -> World:
        """Return the world of a page; that of the page before ends."""
        if self._world is None or self._world.page != page:
            self.close()
            folder = self._factory.mktemp("page")
            (folder / "examples").symlink_to(ROOT / "examples")
            self._world = World(page, folder, self._browser)
            self._world.start()
        return self._world

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None


@pytest.fixture(scope="module")
def worlds(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    worlds = Worlds(browser, tmp_path_factory)
    yield worlds
    worlds.close()


RUN = [block for block in BLOCKS if way(block) not in ("shown", "receiver", "component", "django", "peer")]
PEERS = [block for block in BLOCKS if way(block) == "peer"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", RUN, ids=[block.name for block in RUN])
def test_a_block_runs_as_a_file(worlds: Worlds, block: Block) -> None:
    worlds.of(block.page).run(block, way(block))


@pytest.mark.parametrize("block", PEERS, ids=[block.name for block in PEERS])
def test_code_of_another_queue_is_code_of_its_language(block: Block, tmp_path: Path) -> None:
    if block.language == "python":
        compile(block.text, block.name, "exec", dont_inherit=True)
        return
    file = tmp_path / "before.mjs"
    file.write_text(block.text)
    checked = subprocess.run(["node", "--check", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_pages_are_those_that_people_read() -> None:
    assert {Path(block.page).parts[0] for block in BLOCKS} == {"AGENTS.md", "README.md", "docs", "examples"}
