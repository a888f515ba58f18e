from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.stock import PRICES, Stock, StockError


@pytest.fixture
def stock(tmp_path: Path) -> Stock:
    return Stock(tmp_path / "stock.db")


def shelf(stock: Stock, item: str = "teapot") -> tuple[int, int, int]:
    """Return how many are on the shelf, held, shipped."""
    (found,) = (one for one in stock.shelves() if one.item == item)
    return found.on_shelf, found.held, found.shipped


def test_what_is_held_is_off_the_shelf_and_goes_when_shipped(stock: Stock) -> None:
    stock.hold("k", "order", "teapot", 3)
    assert shelf(stock) == (997, 3, 0)
    stock.ship("k")
    assert shelf(stock) == (997, 0, 3)


def test_what_is_released_is_back_on_the_shelf(stock: Stock) -> None:
    stock.hold("k", "order", "teapot", 3)
    assert stock.release("k", "order", "teapot") == 3
    assert shelf(stock) == (1000, 0, 0)


def test_whatever_is_done_twice_is_done_once(stock: Stock) -> None:
    assert stock.hold("k", "order", "teapot", 3) == stock.hold("k", "order", "teapot", 3)
    assert shelf(stock) == (997, 3, 0)
    assert stock.ship("k") == stock.ship("k")
    assert shelf(stock) == (997, 0, 3)
    stock.hold("other", "order 2", "teapot", 5)
    assert stock.release("other", "order 2", "teapot") == stock.release("other", "order 2", "teapot") == 5
    assert shelf(stock) == (997, 0, 3)


def test_a_hold_that_comes_after_its_release_is_refused(stock: Stock) -> None:
    assert stock.release("k", "order", "teapot") == 0
    with pytest.raises(StockError, match="given up"):
        stock.hold("k", "order", "teapot", 3)
    assert shelf(stock) == (1000, 0, 0)


def test_no_order_gets_what_is_not_there(stock: Stock) -> None:
    with pytest.raises(StockError, match="not 1001 of the teapot"):
        stock.hold("k", "order", "teapot", 1001)
    assert shelf(stock) == (1000, 0, 0)


def test_what_is_shipped_is_not_released_and_what_is_released_not_shipped(stock: Stock) -> None:
    stock.hold("k", "order", "teapot", 1)
    stock.ship("k")
    with pytest.raises(StockError, match="shipped already"):
        stock.release("k", "order", "teapot")
    stock.hold("other", "order", "teapot", 1)
    stock.release("other", "order", "teapot")
    for key in ("other", "unheard of"):
        with pytest.raises(StockError, match="nothing to ship"):
            stock.ship(key)


def test_a_delivery_is_taken_in_once(stock: Stock) -> None:
    assert stock.receive("d", "teapot", 5) == stock.receive("d", "teapot", 5) == 1005
    (one,) = (one for one in stock.shelves() if one.item == "teapot")
    assert (one.received, one.on_shelf) == (1005, 1005)


def test_many_at_once_do_not_sell_one_piece_twice(stock: Stock) -> None:
    def buy(number: int) -> bool:
        try:
            stock.hold(str(number), str(number), "teapot", 30)
        except StockError:
            return False
        return True

    with ThreadPoolExecutor(8) as buyers:
        bought = list(buyers.map(buy, range(40)))
    assert sum(bought) == 33  # 33 · 30 = 990
    assert shelf(stock) == (10, 990, 0)


ACTS = st.tuples(
    st.sampled_from(["hold", "release", "ship"]),
    st.sampled_from("abc"),
    st.sampled_from(list(PRICES)),
    st.integers(1, 600),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(ACTS, max_size=20))
def test_no_piece_is_ever_lost_or_found(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, str, int]]
) -> None:
    stock = Stock(tmp_path_factory.mktemp("stock") / "stock.db")
    for act, key, item, quantity in acts:
        try:
            match act:
                case "hold":
                    stock.hold(key, key, item, quantity)  # type: ignore[arg-type]
                case "release":
                    stock.release(key, key, item)  # type: ignore[arg-type]
                case "ship":
                    stock.ship(key)
        except StockError:
            pass
        for one in stock.shelves():
            assert one.received == one.on_shelf + one.held + one.shipped
