"""What may be a dependency, what a plan shares, and what is said of what cannot work."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Annotated, Any

import fastapi
import msgspec
import pytest

from tidings import Context, DependencyDefinitionError, Depends, JobDefinitionError, SyncContext, job
from tidings.resources.dependency_plan import DependencyForm, plan_of


class Pool:
    """Something for which JSON has no form."""

    def __init__(self, size: int = 3) -> None:
        self.size = size


def get_pool(ctx: Context[Pool]) -> Pool:
    return ctx.state


async def get_user(pool: Annotated[Pool, Depends(get_pool)]) -> str:
    return f"user of {pool}"


async def priced(
    item: str,
    ctx: Context,
    pool: Annotated[Pool, Depends(get_pool)],
    user: str = Depends(get_user),
    own: Annotated[Pool, Depends(get_pool, use_cache=False)] = Pool(),  # noqa: B008
    count: int = 1,
) -> int:
    return count


def test_dependencies_are_no_part_of_the_input_nor_of_what_clients_see() -> None:
    one = job(priced)
    (definition,) = msgspec.json.decode(one.record().input)["$defs"].values()
    assert set(definition["properties"]) == {"item", "count"}
    assert definition["required"] == ["item"]
    assert one.input.arguments(b'{"item": "tea"}') == {"item": "tea", "count": 1}


def test_one_object_beside_dependencies_is_still_the_whole_input() -> None:
    class Order(msgspec.Struct):
        item: str

    @job
    async def order(pool: Annotated[Pool, Depends(get_pool)], order: Order) -> None: ...

    assert order.input.arguments(b'{"item": "tea"}') == {"order": Order("tea")}


def test_a_job_without_dependencies_has_no_plan() -> None:
    @job
    async def plain(ctx: Context, item: str) -> None: ...

    assert plain.dependencies is None


def test_each_function_is_made_once_behind_what_it_needs_unless_it_is_not_to_be_shared() -> None:
    plan = plan_of(priced)
    assert plan is not None
    assert [one.name for one in plan.dependencies] == ["get_pool", "get_user", "get_pool"]
    assert plan.dependencies[1].arguments == (("pool", 0),)
    assert plan.arguments == (("pool", 0), ("user", 1), ("own", 2))


def value() -> int:
    return 1


def generated() -> Iterator[int]:
    yield 1


async def awaited() -> int:
    return 1


async def generated_later() -> AsyncIterator[int]:
    yield 1


class Callee:
    async def __call__(self) -> int:
        return 1


class Source:
    def __call__(self) -> Iterator[int]:
        yield 1


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (value, DependencyForm.VALUE),
        (Pool, DependencyForm.VALUE),
        (lambda: 1, DependencyForm.VALUE),
        (partial(Pool, 2), DependencyForm.VALUE),
        (generated, DependencyForm.MANAGER),
        (contextmanager(generated), DependencyForm.MANAGER),
        (Source(), DependencyForm.MANAGER),
        (awaited, DependencyForm.COROUTINE),
        (Callee(), DependencyForm.COROUTINE),
        (generated_later, DependencyForm.ASYNC_MANAGER),
        (asynccontextmanager(generated_later), DependencyForm.ASYNC_MANAGER),
    ],
)
def test_a_dependency_is_known_by_its_form(function: Callable[..., Any], form: DependencyForm) -> None:
    async def handler(one: Annotated[Any, Depends(function)]) -> None: ...

    plan = plan_of(handler)
    assert plan is not None
    assert [one.form for one in plan.dependencies] == [form]


def test_the_type_of_the_parameter_is_its_own_dependency_without_a_function() -> None:
    async def handler(pool: Annotated[Pool, Depends()]) -> None: ...

    plan = plan_of(handler)
    assert plan is not None
    assert plan.dependencies[0].call is Pool


def test_fastapi_s_own_depends_means_the_same() -> None:
    async def handler(
        pool: Annotated[Pool, fastapi.Depends(get_pool)],
        again: Annotated[Pool, fastapi.Depends(get_pool)],
        own: Annotated[Pool, fastapi.Depends(get_pool, use_cache=False)],
    ) -> None: ...

    plan = plan_of(handler)
    assert plan is not None
    assert plan.arguments == (("pool", 0), ("again", 0), ("own", 1))


def test_overrides_stand_for_dependencies_wherever_they_are_used() -> None:
    def fake(size: Annotated[int, Depends(value)]) -> Pool:
        return Pool(size)

    one = job(priced).overriding({get_pool: fake})
    assert one.dependencies is not None
    assert [each.name for each in one.dependencies.dependencies] == ["value", "fake", "get_user", "fake"]
    assert job(priced).overriding({value: fake}).dependencies == job(priced).dependencies


def needs_field(item: str) -> None: ...


def circle(other: "Annotated[int, Depends(other_circle)]") -> int:
    return other


def other_circle(one: Annotated[int, Depends(circle)]) -> int:
    return one


def unhinted_context(ctx) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


async def blocking_context(ctx: SyncContext) -> None: ...


def plain_blocking_context(ctx: SyncContext) -> None: ...


def unknown_type(pool: "Unknown") -> None: ...  # type: ignore[name-defined]  # noqa: F821


HERE = r"\(test_dependency_plan.py:\d+\)"


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (needs_field, f"dependency needs_field {HERE}: nothing fills the parameter item: a dependency gets no field"),
        (circle, "dependencies go in a circle: circle → other_circle → circle"),
        (unhinted_context, f"dependency unhinted_context {HERE}: nothing fills the parameter ctx: .+ as Context"),
        (blocking_context, "the parameter ctx is a SyncContext, .+ annotate it as Context"),
        (plain_blocking_context, "the parameter ctx is a SyncContext"),
        (unknown_type, "the type Unknown in its hints is not known at run time: import it outside"),
    ],
)
def test_what_cannot_be_a_dependency_is_refused_by_its_name(function: Callable[..., Any], says: str) -> None:
    async def handler(one: Annotated[Any, Depends(function)]) -> None: ...

    with pytest.raises(JobDefinitionError, match=f"^job handler: .*{says}"):
        job(handler)


def test_a_plain_handler_s_dependencies_may_have_its_context() -> None:
    @job
    def handler(one: Annotated[None, Depends(plain_blocking_context)]) -> None: ...

    assert handler.dependencies is not None


async def called() -> int:
    return 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (called, r"this is a coroutine: write Depends\(called\), without a call"),
        (generated, r"this is a generator: write Depends\(generated\)"),
        (lambda: 7, r"this is a int: write Depends\(FUNCTION\)"),
    ],
)
def test_what_a_function_returned_is_no_dependency(wrong: Callable[[], Any], says: str) -> None:
    with pytest.raises(DependencyDefinitionError, match=says):
        Depends(wrong())


async def without_type(pool: Depends(get_pool)) -> None: ...  # type: ignore[valid-type]


async def without_function(pool: Annotated[Pool, Depends]) -> None: ...


async def without_any(pool=Depends()) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


async def twice(pool: Annotated[Pool, Depends(get_pool), Depends(get_user)]) -> None: ...


async def by_position(pool: Annotated[Pool, Depends(get_pool)], /) -> None: ...


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (without_type, r"has Depends instead of a type; write pool: Annotated\[TYPE, Depends\(FUNCTION\)\]"),
        (without_function, r"has Depends without a function: write Depends\(FUNCTION\)"),
        (without_any, r"has Depends\(\) without a function, and no class as its type"),
        (twice, "has 2 dependencies; leave one"),
        (by_position, "must not stand before the `/`"),
    ],
)
def test_a_mark_that_says_nothing_is_refused(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(JobDefinitionError, match=says):
        job(function)
