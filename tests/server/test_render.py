"""What a snapshot says of what its reader cannot have seen."""

import pytest

from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.snapshots import snapshot


@pytest.mark.parametrize(("after", "rewound"), [(0, False), (5, False), (6, True)])
def test_a_snapshot_says_when_the_store_knows_less_than_its_reader(after: int, rewound: bool) -> None:
    assert snapshot("p.a", JobRecord("running", seq=5), after).rewound == rewound


@pytest.mark.parametrize(("after", "truncated"), [(0, True), (2, False), (3, False)])
def test_a_snapshot_says_when_the_log_no_longer_reaches_back(after: int, truncated: bool) -> None:
    record = JobRecord("running", seq=5, log_from=3, chunks=[(4, 0, "1")])
    told = snapshot("p.a", record, after)
    assert (told.truncated, len(told.log)) == (truncated, 0 if truncated else 1)
