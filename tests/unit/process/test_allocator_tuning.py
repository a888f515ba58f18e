"""What an operator says of the allocator stands; else memory that is freed is kept for the next value."""

import ctypes
from typing import Any

import pytest

from tidings.process.allocator_tuning import KEPT_BYTES, MAPPED_BYTES, keep_freed_memory


class Library:
    """The C library, which keeps the settings that it gets."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def mallopt(self, name: int, value: int) -> int:
        self.told.append((name, value))
        return 1


def told(monkeypatch: pytest.MonkeyPatch, library: Any, **environment: str) -> None:
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    keep_freed_memory()


def test_the_two_thresholds_of_glibc_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    told(monkeypatch, library)
    assert library.told == [(-3, MAPPED_BYTES), (-1, KEPT_BYTES)]


@pytest.mark.parametrize("name", ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_an_operator_has_set_stands(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    library = Library()
    told(monkeypatch, library, **{name: "1"})
    assert library.told == []


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, object())


def test_this_machine_takes_the_settings() -> None:
    assert ctypes.CDLL(None).mallopt(-1, KEPT_BYTES) == 1
