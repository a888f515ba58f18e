"""Ending the processes that the demo starts beside its workers."""

import subprocess


def end_child(process: "subprocess.Popen[bytes]", within_s: float) -> None:
    """End a process that leaves when its standard input ends; kill it if it takes longer than so many seconds."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
