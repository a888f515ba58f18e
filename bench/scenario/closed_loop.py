"""Two hundred sockets, each with one job in flight that reports progress three times."""

from .load import Load

LOAD = Load("Three progress events and a result, 200 sockets", "three_steps", sockets=200)
