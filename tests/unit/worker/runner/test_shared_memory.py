"""The files by which a worker and a child pass large values."""

import os
from collections.abc import Iterator

import pytest

from tidings_worker.runner.shared_memory import KEPT_BYTES, SharedFile


@pytest.fixture(params=["of this system", "of a system without memfd_create"])
def file(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedFile]:
    if "without" in request.param:
        monkeypatch.delattr(os, "memfd_create")
    made = SharedFile.make()
    yield made
    made.close()


def test_each_value_comes_back_whole_also_where_it_is_shorter_than_the_one_before(file: SharedFile) -> None:
    for value in (b"a" * 300_000, b"b" * 200_000, b"c" * (KEPT_BYTES + 1), b"d"):
        assert file.write(value)
        assert file.read(len(value), KEPT_BYTES * 2) == value
    assert not os.get_inheritable(file.fd)


def test_what_is_larger_than_may_be_or_not_there_is_refused(file: SharedFile) -> None:
    assert file.write(b"abc")
    for size, most in ((3, 2), (4, 10)):
        with pytest.raises(ValueError, match="bytes are there"):
            file.read(size, most)
