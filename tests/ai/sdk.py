"""The AI SDK itself, for tests: its packages in a Node of their own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.timeouts import scaled

SCRIPT = Path(__file__).with_name("sdk.mjs")


class Sdk:
    """One Node with the packages `ai` and `@ai-sdk/react`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, op: str, **given: Any) -> Any:
        """Return what an operation of `sdk.mjs` returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def text(self, name: str, length: int) -> Any:
        """Return a chat's state once its answer has so many characters."""
        return self.ask("text", name=name, length=length, withinMs=scaled(15) * 1000)

    def status(self, name: str, *among: str) -> Any:
        """Return a chat's state once its status is one of some."""
        return self.ask("status", name=name, among=among, withinMs=scaled(15) * 1000)


@contextmanager
def running_sdk() -> Iterator[Sdk]:
    """Run it around the body."""
    with subprocess.Popen(["node", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sdk(process)
        finally:
            process.kill()
