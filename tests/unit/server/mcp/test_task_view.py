"""Jobs as tasks: each state, and what is said of it."""

from typing import Any

import msgspec
import pytest

from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.protocol.steps import StepHead, StepRow, StepStatus, StepType, encode_head
from tidings.store.jobs.job_store import JobRecord
from tidings_server.mcp.open_questions import open_questions
from tidings_server.mcp.task_view import MAX_MESSAGE, task
from tidings_server.mcp.tool_schema import ResultForm

TOKEN = "default." + "a" * 22
REFUSED = msgspec.json.encode(problem("rejected", "sold out")).decode()


def seen(form: ResultForm = ResultForm.FIELD, **fields: Any) -> dict[str, Any]:
    record = JobRecord(**{"kind": "order", "submitted": 1_000, "enqueued": 1_000, **fields})
    return task(TOKEN, record, form, result_ttl_s=60, poll_s=0.5)


def waiting(path: str, status: StepStatus, began: int = 1, text: str = "") -> StepRow:
    head = StepHead(status=status, name="paid", type=StepType.SIGNAL, began=began)
    return StepRow(path, encode_head(head).decode(), text)


@pytest.mark.parametrize(
    ("state", "attempt", "message"),
    [
        (State.SCHEDULED, 0, "waits for its time"),
        (State.QUEUED, 0, "waits in the queue"),
        (State.RUNNING, 1, "runs"),
        (State.WAITING, 1, "waits for a time, a signal or another job"),
    ],
)
def test_a_job_that_lives_works_and_is_kept(state: State, attempt: int, message: str) -> None:
    found = seen(state=state, attempt=attempt, started=3_000)
    assert found == {
        "taskId": TOKEN,
        "status": "working",
        "statusMessage": message,
        "createdAt": "1970-01-01T00:00:01.000Z",
        "lastUpdatedAt": "1970-01-01T00:00:03.000Z",
        "ttlMs": None,
        "pollIntervalMs": 500,
    }


@pytest.mark.parametrize(
    ("progress", "message"),
    [
        ('{"fraction":0.426,"message":"reads","data":null}', "reads (43 %)"),
        ('{"fraction":null,"message":"reads","data":null}', "reads"),
        ('{"fraction":1,"message":null,"data":null}', "100 %"),
        ('{"fraction":null,"message":null,"data":1}', "runs"),
        ('{"fraction":null,"message":"' + "x" * 5_000 + '","data":null}', "x" * MAX_MESSAGE),
    ],
)
def test_progress_is_the_status_message(progress: str, message: str) -> None:
    assert seen(state="running", progress=progress)["statusMessage"] == message


def test_a_job_that_ended_is_kept_for_the_time_of_results() -> None:
    found = seen(state="succeeded", result='"yes"', finished=5_000)
    assert (found["status"], found["ttlMs"]) == ("completed", 4_000 + 60_000)
    assert found["result"] == {
        "resultType": "complete",
        "isError": False,
        "content": [{"type": "text", "text": "yes"}],
        "structuredContent": {"result": "yes"},
    }
    assert "structuredContent" not in seen(ResultForm.UNTOLD, state="succeeded", result="[1]", finished=5_000)["result"]


@pytest.mark.parametrize("state", ["failed", "expired"])
def test_a_job_that_failed_is_a_completed_task_with_an_error(state: str) -> None:
    found = seen(state=state, problem=REFUSED, finished=5_000)
    assert (found["status"], found["statusMessage"]) == ("completed", "sold out")
    assert found["result"] == {
        "resultType": "complete", "isError": True, "content": [{"type": "text", "text": "rejected: sold out"}],
    }  # fmt: skip


def test_a_cancelled_job_is_cancelled_and_has_no_result() -> None:
    found = seen(state="cancelled", problem=REFUSED, finished=5_000)
    assert found["status"] == "cancelled"
    assert "result" not in found


def test_each_wait_for_a_signal_is_a_question_of_its_own_key() -> None:
    rows = [
        waiting("1", StepStatus.SUCCEEDED),
        waiting("2", StepStatus.RUNNING, 7),
        waiting("3.1.1", StepStatus.RUNNING, 7),
    ]
    found = seen(state="waiting", steps=rows)
    assert (found["status"], list(found["inputRequests"])) == ("input_required", ["paid:2:7", "paid:3.1.1:7"])
    again = seen(state="waiting", steps=[waiting("2", StepStatus.RUNNING, 8)])  # an operator had the saga replayed
    assert list(again["inputRequests"]) == ["paid:2:8"]


@pytest.mark.parametrize("text", ["", "{", '{"schema":1}', '"other"'])
def test_a_question_that_cannot_be_read_asks_for_a_text(text: str) -> None:
    record = JobRecord(state="waiting", kind="order", steps=[waiting("2", StepStatus.RUNNING, text=text)])
    (question,) = open_questions(record).values()
    request = question.request("order")
    assert request["params"]["message"] == "The job order waits for the signal paid."
    assert request["params"]["requestedSchema"]["required"] == ["value"]
    assert question.value("k", {"action": "accept", "content": {"value": "x"}}) == '"x"'


@pytest.mark.parametrize("status", [StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED])
def test_a_saga_that_undoes_its_work_asks_nothing(status: StepStatus) -> None:
    head = StepHead(status=status, name="hold", type=StepType.STEP)
    rows = [waiting("2", StepStatus.RUNNING), StepRow("1", encode_head(head).decode())]
    assert seen(state="running", steps=rows)["status"] == "working"
