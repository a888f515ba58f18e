"""Who reads a job at the time of the answer: a credential may end while the store is asked."""

import time

import pytest

from tidings.protocol.problems import ProblemError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.job_service import valid


def test_a_credential_that_has_ended_meanwhile_reads_nothing() -> None:
    reader = valid(Identity(owner="a", expires_at=time.time() - 1))
    with pytest.raises(ProblemError) as refused:
        reader()
    assert refused.value.problem.code == "unauthenticated"


def test_one_that_holds_reads_on() -> None:
    identity = Identity(owner="a", expires_at=time.time() + 60)
    assert valid(identity)() is identity
