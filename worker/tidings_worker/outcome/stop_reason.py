"""The reasons for which an attempt stops before its handler has ended."""

from enum import StrEnum


class StopReason(StrEnum):
    """Why an attempt has to stop."""

    CANCEL = "cancel"
    """A client or an operator asked that the job stop."""
    EXPIRED = "expired"
    """The job's deadline has passed."""
    TIMEOUT = "timeout"
    """The attempt has had as much time as its kind allows."""
    HAND_BACK = "hand_back"
    """This worker leaves, and gives the job back to the queue."""
    LOST = "lost"
    """The store says that another attempt has the job: this one may not report any more."""
    WAITING = "waiting"
    """Every branch of a saga waits for something outside: the job needs no worker meanwhile."""
    REFUSED = "refused"
    """The job cannot go on: its steps or its records do not fit. The problem that is given with it says why."""
