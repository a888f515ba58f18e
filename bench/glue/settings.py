"""What the harness tells a server and a worker; the queues' own command lines leave only the environment for it."""

import os
from typing import Final

STORE_URL: Final = os.environ.get("STORE_URL", "redis://127.0.0.1:6379/0")
"""The store of queue and pub/sub alike."""

SHARED_CHANNEL: Final = os.environ.get("SHARED_CHANNEL") == "1"
"""Whether all events go over one channel, rather than over one for each job."""

SLOTS: Final = 100
"""Jobs that a worker runs at a time: as many as a worker of Tidings."""

CONNECTIONS: Final = 1_100
"""To the store, of each client; redis-py itself stops at 100, and fails whoever wants one more."""

POLL_S: Final = 0.005
"""Where a queue can only poll, and lets one say how often: as often as still leaves time for the jobs."""
