"""The kind that is measured in a child process; in `bench/jobs.py` it would have each worker reserve places for it."""

from tidings import job


@job(run_in="process")
def echo_in_process(text: str) -> str:
    """Returns what it is given."""
    return text
