from pathlib import Path

import pytest

from shop.courier import Courier, CourierError


@pytest.fixture
def courier(tmp_path: Path) -> Courier:
    return Courier(tmp_path / "courier.db")


def test_a_pick_up_is_booked_once_however_often_it_is_asked_for(courier: Courier) -> None:
    assert courier.book("k", "order", "in reach") == courier.book("k", "order", "in reach")
    assert [(one.order, one.state) for one in courier.bookings()] == [("order", "booked")]


def test_a_pick_up_is_cancelled_once_however_often_it_is_asked_for(courier: Courier) -> None:
    courier.book("k", "order", "in reach")
    assert courier.cancel("k", "order") is True
    assert courier.cancel("k", "order") is True
    assert [one.state for one in courier.bookings()] == ["cancelled"]


def test_a_booking_that_comes_after_its_cancellation_is_refused(courier: Courier) -> None:
    assert courier.cancel("k", "order") is False
    with pytest.raises(CourierError, match="cancelled already"):
        courier.book("k", "order", "in reach")
    assert [one.state for one in courier.bookings()] == ["cancelled"]


def test_no_courier_drives_out_of_reach(courier: Courier) -> None:
    with pytest.raises(CourierError, match="no courier"):
        courier.book("k", "order", "out of reach")
    assert courier.bookings() == []


def test_two_pick_ups_have_two_numbers(courier: Courier) -> None:
    assert courier.book("a", "order", "in reach").tracking != courier.book("b", "order", "in reach").tracking
