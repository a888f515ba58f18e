"""The back end of `django.tasks`: tasks run in real workers, and results come as Django's contract says them."""

# Django's own classes are generic for type checkers alone.
from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.signing import Signer
from django.db import transaction
from django.tasks import TaskContext, TaskResult, task_backends
from django.tasks.exceptions import InvalidTask, InvalidTaskBackend, TaskResultDoesNotExist, TaskResultMismatch
from django.tasks.signals import task_enqueued
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone

from support.system import System
from support.timeouts import scaled
from tidings import JobCancelled, JobFailed, ProblemError, SubmitOptions, SyncClient
from tidings.client.client_errors import ConnectionFailed
from tidings.django import TidingsBackend, grant_for

HERE = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("system")


@pytest.fixture(scope="module")
def errands(system: System) -> Any:
    """The module of tasks, which is imported when the project is set up."""
    import errands.tasks  # noqa: PLC0415

    return errands.tasks


def ended(result: TaskResult[..., Any], until: Callable[[TaskResult[..., Any]], bool] | None = None) -> Any:
    """Return a result when it has finished."""
    give_up = time.monotonic() + scaled(30)
    while not (until(result) if until else result.is_finished):
        assert time.monotonic() < give_up, result
        time.sleep(0.02)
        result.refresh()
    return result


def test_a_task_runs_in_a_worker_and_its_result_says_when_and_what(errands: Any) -> None:
    before = timezone.now()
    result = errands.add.enqueue(2, right=3)
    assert (result.status, result.args, result.kwargs, result.backend) == ("READY", [2], {"right": 3}, "default")
    ended(result)
    assert (result.status, result.return_value, result.errors, result.attempts) == ("SUCCESSFUL", 5, [], 1)
    times = [result.enqueued_at, result.started_at, result.finished_at]
    assert times == sorted(times)
    assert abs(before - result.enqueued_at) < timedelta(minutes=1)
    found = errands.add.get_result(result.id)
    assert (found.return_value, found.args, found.kwargs) == (5, [], {})  # servers give no client an input
    with pytest.raises(TaskResultMismatch):
        errands.fail.get_result(result.id)


async def test_async_code_enqueues_and_reads_and_an_async_task_runs(errands: Any) -> None:
    results = await asyncio.gather(*(errands.add_later.aenqueue(number, 1) for number in range(5)))
    for result in results:
        while not result.is_finished:
            await asyncio.sleep(0.02)
            await result.arefresh()
    assert [result.return_value for result in results] == [1, 2, 3, 4, 5]


def test_a_task_reports_progress_by_its_context_and_a_page_follows_it_by_a_grant(
    errands: Any, stranger: SyncClient, tmp_path: Path
) -> None:
    result = errands.counted.enqueue(str(tmp_path / "go"))
    given = grant_for(result, ttl=60)
    assert given["token"] == result.id
    with pytest.raises(ProblemError) as refused:
        stranger.watch(result.id)
    assert refused.value.code == "unknown_token"
    handle = stranger.watch(given["token"], grant=given["grant"])
    progress = next(event for event in handle if event.name == "progress")
    assert (progress.data["fraction"], progress.data["message"]) == (0.25, result.id)
    ended(result, lambda one: one.status == "RUNNING")
    with pytest.raises(ProblemError, match="grant"):
        handle.cancel()
    (tmp_path / "go").touch()
    assert handle.result(timeout=scaled(30)) == [result.id, "RUNNING"]
    assert ended(errands.awaited.enqueue()).return_value == 1
    assert "sync_context_of" in ended(errands.confused.enqueue()).return_value
    with pytest.raises(LookupError, match="no worker of Tidings runs this task"):
        errands.confused.call(TaskContext(task_result=result))


def test_a_task_that_fails_is_repeated_and_no_client_sees_what_it_raised(errands: Any) -> None:
    result = ended(errands.fail.enqueue())
    assert (result.status, result.attempts) == ("FAILED", 2)
    (error,) = result.errors
    assert error.exception_class is JobFailed
    assert error.traceback.startswith("attempts_exhausted: ")
    assert "secret" not in error.traceback
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value
    assert ended(errands.moment.enqueue()).status == "FAILED"  # a date has no form in JSON


def test_signals_are_sent_where_things_happen(errands: Any) -> None:
    sent: list[str] = []

    def note(sender: Any, task_result: Any, **_: Any) -> None:
        sent.append(f"{sender.__name__} {task_result.id}")

    task_enqueued.connect(note)
    try:
        result = ended(errands.add.enqueue(7))
    finally:
        task_enqueued.disconnect(note)
    ended(errands.fail.enqueue())
    assert sent == [f"TidingsBackend {result.id}"]
    told = ended(errands.signals.enqueue()).return_value
    assert told[-6:] == [
        "started add RUNNING 1",
        "finished add SUCCESSFUL 1",
        "started fail RUNNING 1",  # and it has not finished: another attempt follows
        "started fail RUNNING 2",
        "finished fail FAILED 2",
        "started signals RUNNING 1",
    ]


def test_a_task_waits_for_its_time(errands: Any) -> None:
    result = errands.add.using(run_after=timezone.now() + timedelta(seconds=1)).enqueue(1)
    ended(result)
    assert result.started_at - result.enqueued_at >= timedelta(seconds=0.9)


def test_in_a_transaction_a_task_is_submitted_when_that_commits(errands: Any) -> None:
    with transaction.atomic():
        result = errands.afterwards.enqueue(3)
        assert result.status == "READY"
        with pytest.raises(TaskResultDoesNotExist, match="committed"):
            errands.afterwards.get_result(result.id)
        with pytest.raises(TaskResultDoesNotExist, match="committed"):
            grant_for(result)
    assert ended(result).return_value == 3
    assert grant_for(result.id, backend="later")["token"] != result.id
    assert ended(errands.afterwards.enqueue(4)).return_value == 4  # without a transaction: at once


def test_a_transaction_that_rolls_back_submits_nothing(errands: Any) -> None:
    with transaction.atomic():
        lost = errands.afterwards.enqueue(5)
        transaction.set_rollback(True)
    kept = errands.afterwards.enqueue(6)
    ended(kept)
    with pytest.raises(TaskResultDoesNotExist):
        errands.afterwards.get_result(lost.id)


def test_a_cancelled_task_has_failed_by_an_error_that_says_so(
    errands: Any, stranger: SyncClient, tmp_path: Path
) -> None:
    result = errands.counted.enqueue(str(tmp_path / "never"))
    ended(result, lambda one: one.status == "RUNNING")
    given = grant_for(result, may=("watch", "cancel"))
    stranger.watch(given["token"], grant=given["grant"]).cancel()
    assert ended(result).errors[0].exception_class is JobCancelled


def test_a_job_that_the_project_did_not_sign_runs_no_task(errands: Any, stranger: SyncClient) -> None:
    said = {"args": [1], "kwargs": {}}
    forged = [
        {**said, "signature": Signer(salt="tidings.django.task").signature("[1]")},
        {**said, "signature": ""},
    ]
    for input_ in forged:
        with pytest.raises(JobFailed) as refused:
            stranger.submit("errands.tasks.add", input_).result(timeout=scaled(30))
        assert refused.value.code == "rejected"
        assert "does not come from the project" in str(refused.value)


def test_a_task_signed_by_an_older_key_runs_still(errands: Any) -> None:
    with override_settings(SECRET_KEY="an older key of the tests alone, which signs nothing else"):
        result = errands.add.enqueue(1)
    assert ended(result).return_value == 2


def test_what_cannot_be_a_job_is_refused_before_it_is_sent(errands: Any) -> None:
    with pytest.raises(InvalidTask, match="priority"):
        errands.add.using(priority=5)
    with pytest.raises(InvalidTask, match="Queue 'x y' is not valid"):
        errands.add.using(queue_name="x y")
    with pytest.raises(TypeError, match="Unsupported type"):
        errands.add.enqueue(object())
    with pytest.raises(ProblemError, match="night") as refused:
        errands.add.using(queue_name="night").enqueue(1)
    assert refused.value.problem.field == "/queue"
    with pytest.raises(TypeError, match="DummyBackend"):
        grant_for(errands.elsewhere.enqueue())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ON_COMIT": True}, "there is no option 'ON_COMIT' .*ON_COMMIT"),
        ({"TIMEOUT_S": "2"}, "Expected `float`, got `str` - at `TIMEOUT_S`"),
        ({"TIMEOUT_S": 0}, "TIMEOUT_S is 0; it must be above 0 and at most 300"),
        ({"RETRIES": -1}, "RETRIES is -1; it must be 0 to 1000"),
        ({"RUN_TIMEOUT_S": 0.0}, "RUN_TIMEOUT_S is 0; it must be above 0"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidTaskBackend, match=f"OPTIONS.*{text}"):
        TidingsBackend("x", {"OPTIONS": options})


def test_the_checks_of_the_project_name_a_queue_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check")
    (found,) = TidingsBackend("x", {"QUEUES": ["default", "Night shift"]}).check()
    assert (found.id, "Night shift" in found.msg) == ("tidings.E001", True)


def test_a_server_that_is_away_is_said_in_time(errands: Any) -> None:
    before = time.monotonic()
    with pytest.raises(ConnectionFailed):
        errands.never.enqueue()
    assert time.monotonic() - before < scaled(10)


def test_views_answer_problems_and_give_pages_grants(system: System) -> None:
    browser = Browser(raise_request_exception=False)
    given = browser.get("/submit").json()
    assert given["grant"].startswith("tdg_")
    refused = browser.get("/refused")
    assert (refused.status_code, refused.json()["field"]) == (400, "/queue")
    assert refused.headers["content-type"] == "application/problem+json"
    away = browser.get("/away")
    assert (away.status_code, away.headers["retry-after"], away.json()["code"]) == (503, "1", "store_unavailable")
    assert "127.0.0.1:1" not in away.text  # where the server is, is for operators
    assert browser.get("/broken").status_code == 500


def test_all_threads_of_a_process_share_a_connection_and_a_fork_opens_its_own(system: System) -> None:
    script = """
import os, threading, django
django.setup()
from django.tasks import task_backends
from errands.tasks import add
clients = []
look = lambda: clients.append(task_backends["default"].client)
look()
threads = [threading.Thread(target=look) for _ in range(4)]
[one.start() for one in threads]
[one.join() for one in threads]
assert len(clients) == 5 and len(set(map(id, clients))) == 1
child = os.fork()
if child == 0:
    os._exit(0 if add.enqueue(1).id and task_backends["default"].client is not clients[0] else 1)
assert os.waitpid(child, 0)[1] == 0
assert add.enqueue(2).id
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, cwd=HERE, timeout=scaled(60))


def test_the_project_s_own_back_ends_alone_are_served(system: System) -> None:
    kinds = {kind["kind"]: kind for kind in system.server.get("/v1/kinds")[1]["kinds"]}
    assert "errands.tasks.elsewhere" not in kinds
    assert kinds["errands.tasks.at_night"]["queue"] == "night"
    assert kinds["errands.tasks.add"]["description"] == "Adds two numbers."
    assert isinstance(task_backends["other"], TidingsBackend) is False


def test_the_recipe_of_the_guide_for_older_django_submits_on_commit(system: System) -> None:
    guide = (Path(__file__).parents[2] / "docs/how-to/django.md").read_text()
    (recipe,) = re.findall(r"```python\n(# sales/jobs_client.py\n.*?)```", guide, re.DOTALL)
    found: dict[str, Any] = {}
    exec(recipe.replace("http://127.0.0.1:8700", system.server.url), found)  # noqa: S102 - the guide's
    said: dict[str, Any] = {"args": [1], "kwargs": {}, "signature": "none"}
    with transaction.atomic():
        found["submit_on_commit"]("errands.tasks.add", "row-1", "alice", **said)
        transaction.set_rollback(True)
    with transaction.atomic():
        found["submit_on_commit"]("errands.tasks.add", "row-2", "alice", **said)
    again = [
        found["tidings"]()
        .submit("errands.tasks.add", said, options=SubmitOptions(key=key, owner="alice", watch=False))
        .duplicate
        for key in ("row-1", "row-2")
    ]
    assert again == [False, True]
