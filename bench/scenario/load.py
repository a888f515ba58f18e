"""What a scenario asks of the system."""

from typing import NamedTuple


class Load(NamedTuple):
    """A closed loop of a number of sockets."""

    title: str
    kind: str
    sockets: int
