"""Written by `tidings types --py`. Write it again rather than edit it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from msgspec import UNSET, UnsetType

from tidings import declare_json_kind

__all__ = ["class_of_names", "count", "deliver", "grow", "list_2", "nothing", "odd", "paint", "plant", "price"]

ClassOfNamesInput = TypedDict(
    'ClassOfNamesInput',
    {
        '__proto__': 'NotRequired[bool]',
        'class': 'str',
        'order-id': 'NotRequired[int]',
    },
)

ClassOfNamesResult = TypedDict(
    'ClassOfNamesResult',
    {
        'gr\xf6\xdfe': 'NotRequired[int]',
        'street': 'str',
    },
)


@declare_json_kind('class.of-names')
def class_of_names(input: ClassOfNamesInput, /) -> ClassOfNamesResult:
    raise NotImplementedError


CountResult: TypeAlias = 'str'

CountChunk: TypeAlias = 'int'


@declare_json_kind('count')
def count(
    *,
    to: int,
) -> CountResult:
    'Yields numbers, and ends with a text.'
    raise NotImplementedError


DeliverInputAddress = TypedDict(
    'DeliverInputAddress',
    {
        'street': 'str',
        'number': 'NotRequired[int | None]',
    },
)

DeliverResult: TypeAlias = 'list[int | str]'


@declare_json_kind('deliver')
def deliver(
    *,
    address: DeliverInputAddress,
    note: str | UnsetType = UNSET,
) -> DeliverResult:
    raise NotImplementedError


GrowResultTree = TypedDict(
    'GrowResultTree',
    {
        'name': 'str',
        'children': 'NotRequired[list[GrowResultTree]]',
        'parent': 'NotRequired[GrowResultTree | None]',
    },
)

GrowResult: TypeAlias = 'list[GrowResultTree]'

GrowChunkTree = TypedDict(
    'GrowChunkTree',
    {
        'name': 'str',
        'children': 'NotRequired[list[GrowChunkTree]]',
        'parent': 'NotRequired[GrowChunkTree | None]',
    },
)

GrowChunk: TypeAlias = 'GrowChunkTree'


@declare_json_kind('grow')
def grow(
    *,
    name: str,
) -> GrowResult:
    'Yields trees.'
    raise NotImplementedError


ListResultModel = TypedDict(
    'ListResultModel',
    {
        'id': 'str',
        # For people. * / alert(1) /*
        'tags': 'NotRequired[list[str]]',
        'shares': 'NotRequired[dict[str, float]]',
    },
)

ListResult: TypeAlias = 'list[ListResultModel]'


@declare_json_kind('list')
def list_2(
    *,
    id: str,
    tags: list[str] | UnsetType = UNSET,
    shares: dict[str, float] | UnsetType = UNSET,
) -> ListResult:
    raise NotImplementedError


NothingInput: TypeAlias = 'dict[str, Any]'

NothingResult: TypeAlias = 'None'


@declare_json_kind('nothing')
def nothing() -> NothingResult:
    raise NotImplementedError


OddInput = TypedDict(
    'OddInput',
    {
        'gr\xf6\xdfe': 'NotRequired[int]',
        'street': 'str',
    },
)

OddResult: TypeAlias = 'dict[str, Any]'


@declare_json_kind('odd')
def odd(input: OddInput, /) -> OddResult:
    raise NotImplementedError


PaintInputColour: TypeAlias = "Literal['blue', 'red']"

PaintInputLeft = TypedDict(
    'PaintInputLeft',
    {
        'type': "Literal['left']",
        'value': 'int',
    },
)

PaintInputRight = TypedDict(
    'PaintInputRight',
    {
        'type': "Literal['right']",
        'value': 'float',
    },
)

PaintInputRow: TypeAlias = 'list[str | int]'

PaintResultLeft = TypedDict(
    'PaintResultLeft',
    {
        'type': "Literal['left']",
        'value': 'int',
    },
)

PaintResultRight = TypedDict(
    'PaintResultRight',
    {
        'type': "Literal['right']",
        'value': 'float',
    },
)

PaintResult: TypeAlias = 'PaintResultLeft | PaintResultRight | None'


@declare_json_kind('paint')
def paint(
    *,
    colour: PaintInputColour,
    size: Literal[3, 'm', 's'] | None | UnsetType = UNSET,
    either: PaintInputLeft | PaintInputRight,
    rows: list[PaintInputRow],
    pair: list[int | str] | UnsetType = UNSET,
    at: str | None | UnsetType = UNSET,
    anything: Any | UnsetType = UNSET,
    table: dict[str, list[int]] | None | UnsetType = UNSET,
) -> PaintResult:
    'Paint: * / it is said to end a comment.'
    raise NotImplementedError


PlantInputTree = TypedDict(
    'PlantInputTree',
    {
        'name': 'str',
        'children': 'NotRequired[list[PlantInputTree]]',
        'parent': 'NotRequired[PlantInputTree | None]',
    },
)

PlantResultTree = TypedDict(
    'PlantResultTree',
    {
        'name': 'str',
        'children': 'NotRequired[list[PlantResultTree]]',
        'parent': 'NotRequired[PlantResultTree | None]',
    },
)

PlantResult: TypeAlias = 'PlantResultTree'


@declare_json_kind('plant')
def plant(
    *,
    name: str,
    children: list[PlantInputTree] | UnsetType = UNSET,
    parent: PlantInputTree | None | UnsetType = UNSET,
) -> PlantResult:
    raise NotImplementedError


PriceResult: TypeAlias = 'float'


@declare_json_kind('price')
def price(
    *,
    item: str,
    amount: int | UnsetType = UNSET,
) -> PriceResult:
    'Return the price of an item.'
    raise NotImplementedError

