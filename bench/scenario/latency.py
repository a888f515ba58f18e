"""One job in flight: the time from a submit to its ack, and to its result, when nothing is in the way."""

from .load import Load

LOAD = Load("A no-op job, one in flight", "noop", sockets=1)
