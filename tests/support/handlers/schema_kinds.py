"""Jobs with every sort of type that the schemas of this project have: types of clients are written for them."""

import datetime as dt
import enum
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic

from tidings import Context, Result, job


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Tree(msgspec.Struct):
    """A tree of names."""

    name: str
    children: "list[Tree]" = []
    parent: "Tree | None" = None


class Left(msgspec.Struct, tag="left"):
    value: int


class Right(msgspec.Struct, tag="right"):
    value: float


class Row(msgspec.Struct, array_like=True):
    day: dt.date
    count: int = 0


@dataclass
class Address:
    street: str
    number: int | None = None


class Odd(TypedDict):
    street: str
    größe: NotRequired[int]  # noqa: PLC2401


Reserved = TypedDict("Reserved", {"class": str, "order-id": NotRequired[int], "__proto__": NotRequired[bool]})


class Model(pydantic.BaseModel):
    id: uuid.UUID
    tags: list[str] = pydantic.Field(default=[], description="For people. */ alert(1) /*")
    shares: dict[str, float] = {}


@job
async def price(ctx: Context, item: str, amount: int = 1) -> float:
    """Return the price of an item."""
    return len(item) * amount


@job
async def plant(tree: Tree) -> Tree:
    return tree


@job
async def paint(
    colour: Colour,
    *,
    size: Literal["s", "m", 3] | None = None,
    either: Left | Right,
    rows: list[Row],
    pair: tuple[int, str] = (1, "a"),
    at: dt.datetime | None = None,
    anything: Any = None,
    table: dict[str, list[int]] | None = None,
) -> Left | Right | None:
    """Paint: */ it is said to end a comment."""
    return either


@job
async def deliver(address: Address, note: Annotated[str, msgspec.Meta(max_length=10)] = "") -> tuple[int, str]:
    return address.number or 0, note


@job(name="class.of-names")
async def reserved(fields: Reserved) -> Odd:
    return {"street": str(fields)}


@job
async def odd(fields: Odd) -> dict[str, Any]:
    return {**fields}


@job(name="list")
async def list_models(model: Model) -> list[Model]:
    return [model]


@job
async def grow(name: str) -> AsyncIterator[Tree]:
    """Yields trees."""
    yield Tree(name)


@job
async def count(to: int) -> AsyncIterator[int | Result[str]]:
    """Yields numbers, and ends with a text."""
    for number in range(to):
        yield number
    yield Result("done")


@job
def nothing() -> None:
    return None
