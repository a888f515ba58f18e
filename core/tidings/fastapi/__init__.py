"""Tidings in a FastAPI application: `pip install 'tidings[fastapi]'`. Nothing else of the library imports FastAPI."""

from .accepted_job import AcceptedGrant, AcceptedJob, accept, accepted, granted
from .delegate import DelegateClient
from .mounted_tidings import MountedTidings
from .problem_answers import PROBLEM_RESPONSES, answer_problems
from .remote_tidings import RemoteTidings

__all__ = [
    "PROBLEM_RESPONSES",
    "AcceptedGrant",
    "AcceptedJob",
    "DelegateClient",
    "MountedTidings",
    "RemoteTidings",
    "accept",
    "accepted",
    "answer_problems",
    "granted",
]
