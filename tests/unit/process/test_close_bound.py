"""How a process ends whose event loop does not close."""

import subprocess
import sys

import pytest

from support.timeouts import scaled

PROGRAM = """
import asyncio, sys, time
from tidings.process.close_bound import CloseBound

bound = CloseBound(0.2)

async def main():
    with bound:
        if "thread" in sys.argv:
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
        if "fails" in sys.argv:
            raise RuntimeError("as told")

try:
    asyncio.run(main())
finally:
    bound.lift()
time.sleep(0.5)
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("words", "code"), [(["thread"], 0), (["thread", "fails"], 1), ([], 3), (["fails"], 1)]
)  # fmt: skip
def test_a_process_ends_when_its_loop_does_not_close_and_goes_on_when_it_does(words: list[str], code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, timeout=scaled(15), check=False
    )
    assert ended.returncode == code, ended.stderr
    assert ("loop_left" in ended.stdout + ended.stderr) == ("thread" in words)
    assert ("as told" in ended.stderr) == (words == ["fails"])
