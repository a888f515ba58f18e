"""What may be a lifespan, and which lifespan is a job's."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tidings import Context, Lifespan, LifespanDefinitionError, job, lifespan
from tidings.context.context import Sink
from tidings_worker.loading.loader import LoadError, ServedModules, load_modules


@lifespan
async def generator() -> AsyncIterator[int]:
    """Opens."""
    yield 1


@lifespan
@asynccontextmanager
async def manager() -> AsyncIterator[int]:
    yield 2


@pytest.mark.parametrize(("one", "wanted"), [(generator, 1), (manager, 2)])
async def test_a_lifespan_is_an_asynchronous_context_manager(one: Lifespan[int], wanted: int) -> None:
    async with one() as state:
        assert state == wanted


def test_a_lifespan_keeps_the_name_the_text_and_the_place_of_its_function() -> None:
    assert (generator.__name__, generator.__doc__) == ("generator", "Opens.")
    assert generator.place.startswith(f"{__file__}:")


async def needs(url: str, *, size: int) -> AsyncIterator[int]:
    yield size


async def returns() -> int:
    return 1


def plain() -> None: ...


def plain_generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (needs, "lifespan needs: a worker enters it without arguments; take away: url, size"),
        (returns, "lifespan returns: it has no `yield`"),
        (plain, "lifespan plain: it has no `yield`"),
        (plain_generator, "lifespan plain_generator: it is a plain generator; write an `async def` with one `yield`"),
        (int, "lifespan int: only functions can be lifespans"),
        (generator, "lifespan generator: @lifespan stands twice"),
    ],
)
def test_what_cannot_be_a_lifespan_is_refused(function: Any, says: str) -> None:
    with pytest.raises(LifespanDefinitionError) as refused:
        lifespan(function)
    assert str(refused.value).startswith(says)


HEAD = "from tidings import job, lifespan\n\n"
LIFESPAN = "\n@lifespan\nasync def {0}():\n    yield {0!r}\n\n"
JOB = "\n@job\nasync def {}() -> None: ...\n\n"


class Modules:
    """Modules in a folder, under names that no other test has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, str] = {}

    def write(self, **texts: str) -> None:
        """Write some; `{name}` in a text stands for the real name of another."""
        self.names |= {name: f"{name}_{abs(hash(self.folder))}" for name in texts}
        for name, text in texts.items():
            (self.folder / f"{self.names[name]}.py").write_text(HEAD + text.format(**self.names))

    def load(self, *names: str) -> ServedModules:
        """Load some, as a worker does."""
        return load_modules([str(self.folder / f"{self.names[name]}.py") for name in names])

    def close(self) -> None:
        """Forget them."""
        for name in self.names.values():
            sys.modules.pop(name, None)


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Modules]:
    found = Modules(tmp_path)
    yield found
    found.close()


def of(loaded: ServedModules) -> dict[str, str]:
    return {job.kind: job.lifespan.name if job.lifespan else "" for job in loaded.jobs}


def test_each_module_s_jobs_have_its_own_lifespan_in_the_order_of_the_modules(modules: Modules) -> None:
    modules.write(
        orders=LIFESPAN.format("shop") + JOB.format("order"), mails=JOB.format("mail") + LIFESPAN.format("post")
    )
    loaded = modules.load("mails", "orders")
    assert of(loaded) == {"mail": "post", "order": "shop"}
    assert [one.name for one in loaded.lifespans] == ["post", "shop"]


def test_a_job_that_is_imported_keeps_the_lifespan_of_its_own_module(modules: Modules) -> None:
    modules.write(
        orders=LIFESPAN.format("shop") + JOB.format("order"),
        all="from {orders} import order\n" + LIFESPAN.format("post") + JOB.format("mail"),
    )
    loaded = modules.load("all")
    assert of(loaded) == {"order": "shop", "mail": "post"}
    assert [one.name for one in loaded.lifespans] == ["post", "shop"]


def test_one_lifespan_may_be_that_of_several_modules_and_is_entered_once(modules: Modules) -> None:
    modules.write(
        shared=LIFESPAN.format("shop"),
        orders="from {shared} import shop\n" + JOB.format("order"),
        mails="from {shared} import shop\n" + JOB.format("mail"),
    )
    loaded = modules.load("orders", "mails")
    assert of(loaded) == {"order": "shop", "mail": "shop"}
    assert len(loaded.lifespans) == 1


def test_the_only_lifespan_is_that_of_jobs_without_one(modules: Modules) -> None:
    modules.write(shared=LIFESPAN.format("shop"), orders=JOB.format("order"), mails=LIFESPAN.format("post"))
    assert of(modules.load("orders", "shared")) == {"order": "shop"}
    assert of(modules.load("orders", "shared", "mails")) == {"order": ""}, "which of the two would be a guess"


def test_two_lifespans_in_a_module_are_refused_with_both_places(modules: Modules) -> None:
    modules.write(orders=LIFESPAN.format("shop") + LIFESPAN.format("post") + JOB.format("order"))
    with pytest.raises(LoadError, match=r"has 2 lifespans: shop \(.+\.py:4\) and post \(.+\.py:9\)"):
        modules.load("orders")


def test_a_context_without_a_state_says_what_to_write() -> None:
    @job
    async def order(ctx: Context[int]) -> None: ...

    with pytest.raises(LookupError, match="job order has no lifespan; write one"):
        _ = Context[int](cast("Sink", order)).state
    assert Context[int](cast("Sink", order.with_state(5))).state == 5
    with pytest.raises(LookupError):
        _ = order.state


def test_a_context_with_the_type_of_its_state_is_no_field_of_the_input() -> None:
    @job
    async def order(item: str, ctx: Context[int]) -> None: ...

    assert order.input.context == "ctx"
    assert order.input.required == ["item"]
