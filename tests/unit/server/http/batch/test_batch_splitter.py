"""Batches are split into as many jobs as may be and one: what is beyond costs no object each."""

import tracemalloc

import pytest

from tidings.protocol.problems import ProblemError
from tidings_server.http.batch.batch_splitter import BatchSplitter

MILLIONS = 16_000_000
"""Bytes of a body."""


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b'[{"a":1}, {"b":[2,3]}]', [b'{"a":1}', b'{"b":[2,3]}']),
        (b' \n[ "a,]" , 2 ,"\\"" ]\n', [b'"a,]"', b"2", b'"\\""']),
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n\r\n  \n\t{"b":2}\r{"c":3}', [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b"0", [b"0"]),
    ],
)
def test_an_array_and_lines_are_split_into_their_jobs(body: bytes, texts: list[bytes]) -> None:
    assert BatchSplitter(3).split(body) == texts


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "0 jobs"),
        (b"[]", "0 jobs"),
        (b" \r\n ", "0 jobs"),
        (b"[1,2,3,4]", "4 jobs or more; a batch holds 1 to 3"),
        (b"1\n2\n3\n4\n5", "4 jobs or more; a batch holds 1 to 3"),
        (b"[1,2", "not a JSON array"),
        (b"[1,2]x", "not a JSON array"),
        (b"[1,2,3,4,nonsense]", "not a JSON array"),
        (b"[" * 100_000, "not a JSON array"),
    ],
)
def test_what_is_no_batch_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(ProblemError, match=says):
        BatchSplitter(3).split(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"0," * (MILLIONS // 2) + b"0]", id="an array of zeros"),
        pytest.param(b"[" + b"{}," * (MILLIONS // 3) + b"{}]", id="an array of nothing"),
        pytest.param(b'["' + b"a" * MILLIONS + b'",' + b'"",' * 2_000 + b"0]", id="an array with a long text"),
        pytest.param(b"0\n" * (MILLIONS // 2), id="lines"),
        pytest.param(b"0\r" * (MILLIONS // 2), id="lines of an old machine"),
        pytest.param(b"0\n" + b" \n" * (MILLIONS // 2) + b"0\n" * 1_000, id="lines with nothing on them"),
    ],
)
def test_millions_of_jobs_cost_no_memory_each(body: bytes) -> None:
    splitter = BatchSplitter(1_000)
    tracemalloc.start()
    with pytest.raises(ProblemError, match="1001 jobs or more"):
        splitter.split(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * MILLIONS + (MILLIONS if b"aa" in body else 0)
