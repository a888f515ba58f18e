"""A job whose events a test paces, and a server whose link to the store fails."""

from pathlib import Path
from typing import Any

import anyio
import httpx
from anyio.abc import TaskGroup

from push.follow import TRANSPORTS
from push.seen import Seen
from support.system import ServerProcess
from support.timeouts import scaled
from support.waiting import until_async
from tidings_cli.lab.proxy import Proxy


class Teller:
    """One job of the kind `tell_up_to`."""

    def __init__(self, path: Path, server: ServerProcess) -> None:
        self._path = path
        self._server = server
        self.token = ""

    async def begin(self, goal: int = 0, *, fat: int = 0) -> str:
        """Submit it; return its token. Each progress has so many bytes more than it needs."""
        self.up_to(goal)
        async with httpx.AsyncClient(timeout=scaled(15)) as http:
            body = {"kind": "tell_up_to", "input": {"path": str(self._path), "fat": fat}}
            self.token = (await http.post(f"{self._server.url}/v1/jobs", json=body)).json()["token"]
        return self.token

    def up_to(self, goal: int, *, end: bool = False) -> None:
        """Have it tell numbers below `goal`, and end."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(f"{goal} end" if end else str(goal))
        draft.replace(self._path)

    async def told(self, count: int) -> None:
        """Return when the store has so many chunks, whoever was told."""
        seen = Seen()
        async with httpx.AsyncClient(timeout=scaled(30)) as http:
            while len(seen.chunks) < count:
                headers = {"prefer": "wait=10", "if-none-match": f'"{seen.seq}"'}
                answer = await http.get(f"{self._server.url}/v1/jobs/{self.token}", headers=headers)
                if answer.status_code == 200:
                    seen.whole(answer.json())


class Inbox:
    """A server process, and the proxy between it and the store."""

    def __init__(self, server: ServerProcess, proxy: Proxy, http: httpx.AsyncClient, probe_s: float) -> None:
        self._http = http
        self.server = server
        self.proxy = proxy
        self.probe_s = probe_s
        """Time between two probes."""

    async def ready(self, kinds: int = 0) -> None:
        """Return when it says that it is ready, and knows at least so many kinds."""
        await self.says("open")
        await until_async(lambda: self._get("/v1/kinds"), lambda found: len(found[1].get("kinds", ())) >= kinds)

    async def says(self, *hearings: str) -> str:
        """Return what it says of its inbox when that is one of these, and the status fits."""
        with anyio.fail_after(scaled(30)):
            while True:
                status, body = await self._get("/readyz")
                if status:
                    assert (status == 200) == body["ready"]
                    assert not body["ready"] or body["inbox"] == "open"
                    if body["inbox"] in hearings and body["ready"] == (body["inbox"] == "open"):
                        return str(body["inbox"])
                assert self.server.process.poll() is None, self.server.text()
                await anyio.sleep(0.02)

    async def _get(self, path: str) -> tuple[int, Any]:
        try:
            answer = await self._http.get(self.server.url + path, timeout=scaled(5))
        except httpx.TransportError:
            return 0, {}  # it has not begun to listen
        return answer.status_code, answer.json()

    def logged(self, event: str) -> int:
        """Return how often it has logged an event."""
        return self.server.text().count(f'"event": "{event}"') + self.server.text().count(f'"event":"{event}"')


class Watchers:
    """One watcher by each transport, all on one server."""

    def __init__(self, server: ServerProcess, token: str) -> None:
        self._server = server
        self._token = token
        self.seen = {name: Seen() for name in TRANSPORTS}

    def start(self, tasks: TaskGroup) -> None:
        """Watch in tasks of a group, which ends when all have been told the end."""
        for name, follow in TRANSPORTS.items():
            tasks.start_soon(follow, [self._server], self._token, self.seen[name], 0, name=name)

    async def until(self, count: int) -> None:
        """Return when all have been told so many chunks."""
        for seen in self.seen.values():
            await seen.until(count)

    def check(self, count: int) -> None:
        """All were told everything, in order, once."""
        for seen in self.seen.values():
            seen.check(count)
