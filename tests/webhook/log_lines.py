"""Waiting for a line in the log of a process."""

from support.system import Process
from support.waiting import until


def wait_for(process: Process, text: str) -> None:
    until(lambda: text in process.text(), process.text, process=process.process)
