"""Waiting for a line in the log of a process."""

import time

from support.system import Process
from support.timeouts import scaled


def wait_for(process: Process, text: str) -> None:
    give_up = time.monotonic() + scaled(20)
    while text not in process.text():
        assert process.process.poll() is None, process.text()
        assert time.monotonic() < give_up, process.text()
        time.sleep(0.02)
