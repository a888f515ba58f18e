"""The signals for which a saga waits, as questions to the user of a client, and the answers as signals. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from tidings.protocol.problems import problem_error
from tidings.protocol.questions import VALUE, Question, decode_question
from tidings.protocol.steps import StepRow, StepStatus, StepType, decode_head
from tidings.schema.validation import compile_schema
from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.snapshots import is_final

ELICITATION = "elicitation/create"

_UNTOLD = Question(
    schema={"type": "object", "properties": {VALUE: {"type": "string"}}, "required": [VALUE]},
)
"""The question of a saga that says none: a text."""

_WAITS = frozenset({StepStatus.RUNNING, StepStatus.SUCCEEDED, StepStatus.FAILED})
"""What steps are while a saga does not undo its work."""


class OpenQuestion(NamedTuple):
    """One signal that a saga waits for."""

    signal: str
    question: Question

    def request(self, kind: str) -> dict[str, Any]:
        """Return the request for an answer, as the client would get it from the server itself."""
        message = self.question.message or f"The job {kind} waits for the signal {self.signal}."
        params = {"mode": "form", "message": message, "requestedSchema": self.question.schema}
        return {"method": ELICITATION, "params": params}

    def value(self, key: str, response: Mapping[str, Any]) -> str:
        """Return the signal's value for a response, as JSON text; null: the user declined.

        Args:
            key: the question's, for errors.
            response: `action`, and with `accept` the `content` of the form.

        Raises:
            ProblemError: `invalid_frame`: it is no answer to the question.

        """
        where = f"/inputResponses/{key}"
        action = response.get("action")
        if action in ("decline", "cancel"):
            return "null"
        if action != "accept":
            raise problem_error("invalid_frame", "`action` is accept, decline or cancel", field=f"{where}/action")
        content = response.get("content")
        if not isinstance(content, dict):
            raise problem_error("invalid_frame", "what is accepted has a `content`", field=f"{where}/content")
        fault = next(iter(compile_schema(self.question.schema).iter_errors(content)), None)
        if fault is not None:
            place = "".join(f"/{part}" for part in fault.instance_path)
            raise problem_error("invalid_frame", fault.message[:300], field=f"{where}/content{place}")
        return msgspec.json.encode(content if self.question.whole else content[VALUE]).decode()


def open_questions(record: JobRecord) -> dict[str, OpenQuestion]:
    """Return the questions of a job that are not answered, by their keys.

    A key names the step and when it began to wait: so it stands for one question for as long as the job is kept, also
    where an operator has a saga replayed from its beginning.
    """
    if is_final(record) or not record.steps:
        return {}
    heads = [(row, decode_head(row.head)) for row in record.steps]
    if any(head.status not in _WAITS for _, head in heads):
        return {}  # the saga undoes its work, and takes no more signals
    return {
        f"{head.name}:{row.path}:{head.began}": OpenQuestion(head.name, _question(row))
        for row, head in heads
        if head.type is StepType.SIGNAL and head.status is StepStatus.RUNNING
    }


def _question(row: StepRow) -> Question:
    try:
        return decode_question(row.input) if row.input else _UNTOLD
    except msgspec.DecodeError:
        return _UNTOLD  # of a release to come, or cut
