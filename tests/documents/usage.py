"""A client in Python as its author writes it with a generated package; run in the generator's environment."""

import json
import sys

from tidings_client import Client
from tidings_client.api.jobs import get_job, submit_job, submit_jobs
from tidings_client.api.kinds import list_kinds
from tidings_client.models import Problem, Snapshot, Submission, SubmissionInput

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)


def submission(**values: object) -> Submission:
    return Submission(kind="echo", input_=SubmissionInput.from_dict(values))


answer = submit_job.sync_detailed(client=client, body=submission(text="typed"), prefer="wait=30")
outcome = answer.parsed
assert isinstance(outcome, Snapshot), answer
looked = get_job.sync(outcome.token, client=client, after=0)
assert isinstance(looked, Snapshot), looked
refused = submit_job.sync(client=client, body=submission(text=1))
assert isinstance(refused, Problem), refused
batch = submit_jobs.sync(client=client, body=[submission(text="one"), submission(text=2)])
assert isinstance(batch, list), batch
kinds = list_kinds.sync(client=client)
sys.stdout.write(
    json.dumps(
        {
            "result": outcome.result,
            "status": looked.status,
            "field": refused.field,
            "applied": answer.headers["preference-applied"],
            "batch": [type(one).__name__ for one in batch],
            "kinds": len(kinds.kinds),
        }
    )
)
