from collections.abc import Iterator
from pathlib import Path

import pytest

from shop.books import check
from shop.courier import Courier
from shop.stock import Stock
from shop.till import Till


class Shop:
    def __init__(self, folder: Path) -> None:
        self.stock = Stock(folder / "stock.db")
        self.courier = Courier(folder / "courier.db")
        self.till = Till(folder)

    def sell(self, order: str) -> None:
        self.stock.hold(f"{order}/1", order, "kettle", 2)
        self.till.charge(f"{order}/2", order, "good", 11_800)
        self.courier.book(f"{order}/3", order, "in reach")
        self.stock.ship(f"{order}/1")

    def faults(self) -> list[str]:
        return check(self.stock, self.till, self.courier).discrepancies


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.till.close()


def test_an_order_sold_and_one_undone_agree_in_all_books(shop: Shop) -> None:
    shop.sell("a")
    shop.stock.hold("b/1", "b", "teapot", 1)
    shop.till.charge("b/2", "b", "good", 2_400)
    shop.till.refund("b/2", "b")
    shop.stock.release("b/1", "b", "teapot")
    books = check(shop.stock, shop.till, shop.courier)
    assert books.discrepancies == []
    assert (books.under_way, books.shipped, books.given_up) == (0, 1, 1)
    assert (books.sold, books.charged, books.refunded) == (11_800, 14_200, 2_400)


def test_an_order_under_way_is_no_discrepancy(shop: Shop) -> None:
    shop.stock.hold("a/1", "a", "kettle", 2)
    shop.till.charge("a/2", "a", "good", 11_800)
    assert check(shop.stock, shop.till, shop.courier).under_way == 1
    assert shop.faults() == []


def test_money_kept_for_nothing_is_found(shop: Shop) -> None:
    shop.stock.hold("a/1", "a", "kettle", 2)
    shop.till.charge("a/2", "a", "good", 11_800)
    shop.stock.release("a/1", "a", "kettle")
    assert shop.faults() == ["a: released, worth 0, but 11800 cents were paid and kept"]


def test_a_charge_made_twice_is_found(shop: Shop) -> None:
    shop.sell("a")
    shop.till.charge("a/2 again", "a", "good", 11_800)
    assert shop.faults() == ["a: shipped, worth 11800, but 23600 cents were paid and kept"]


def test_a_courier_for_nothing_is_found(shop: Shop) -> None:
    shop.stock.hold("a/1", "a", "kettle", 2)
    shop.courier.book("a/3", "a", "in reach")
    shop.stock.release("a/1", "a", "kettle")
    assert shop.faults() == ["a: released, but 1 couriers are booked"]


def test_a_charge_of_an_order_that_never_was_is_found(shop: Shop) -> None:
    shop.till.charge("a/2", "a", "good", 5)
    assert shop.faults() == ["a: charged, but no stock was ever held for it"]


def test_an_order_begun_again_counts_as_one(shop: Shop) -> None:
    shop.stock.hold("a/1", "a", "kettle", 2)
    shop.stock.release("a/1", "a", "kettle")
    shop.stock.hold("a/1~1", "a", "kettle", 2)
    shop.till.charge("a/2~1", "a", "good", 11_800)
    shop.courier.book("a/3~1", "a", "in reach")
    shop.stock.ship("a/1~1")
    books = check(shop.stock, shop.till, shop.courier)
    assert books.discrepancies == []
    assert (books.shipped, books.given_up) == (1, 0)
