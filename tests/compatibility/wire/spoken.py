"""The streams of a job, over every transport: frames, server-sent events, bodies."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from compatibility.wire.masking import masked
from compatibility.wire.recorder import Recorder, Socket
from support.timeouts import scaled
from support.waiting import until_async

SSE = {"accept": "text/event-stream"}


async def speak_to_socket(socket: Socket) -> None:
    """Run a job that writes streams while a socket watches it, and watch it again when it has ended."""
    done = await socket.run("speak", "speak")
    await socket.ask("watch what has spoken", "watch", token=done)


async def speak_over_http(recorder: Recorder, http: httpx.AsyncClient) -> None:
    """Follow a job that writes streams as events, from before its first chunk to its end, and read what it has said."""
    with tempfile.TemporaryDirectory() as folder:
        go = Path(folder) / "go"
        job = {"kind": "speak", "input": {"path": str(go)}}
        place = f"/v1/jobs/{(await http.post('/v1/jobs', json=job)).json()['token']}"
        await until_async(lambda: http.get(place), lambda found: found.json()["status"] == "running")
        followed = {
            "a job that speaks": _Followed(http, f"{place}/events"),
            "a stream of a job": _Followed(http, f"{place}/streams/words"),
        }
        async with asyncio.timeout(scaled(30)), asyncio.TaskGroup() as tasks:
            for one in followed.values():
                tasks.create_task(one.read())
            for one in followed.values():
                await one.open.wait()
            go.touch()
    for name, one in followed.items():
        recorder.keep("streams", name, event_lines(one.text))
    recorder.answer("look at what has spoken", await http.get(place))
    words = f"{place}/streams/words"
    recorder.answer("read a stream", await http.get(words))
    recorder.answer("read a stream from a chunk on", await http.get(words, params={"from": 1}))
    recorder.answer("read a stream as text", await http.get(words, headers={"accept": "text/plain"}))
    recorder.answer("read a stream from a chunk that it has not", await http.get(words, params={"from": 9}))
    recorder.answer("read a stream that the job has not written", await http.get(f"{place}/streams/nothing"))


class _Followed:
    """A stream of events that has an end."""

    def __init__(self, http: httpx.AsyncClient, path: str) -> None:
        self._http = http
        self._path = path
        self.open = asyncio.Event()
        """Its first event has come."""
        self.text = ""

    async def read(self) -> None:
        async with self._http.stream("GET", self._path, headers=SSE) as answer:
            async for chunk in answer.aiter_text():
                self.text += chunk
                if "event: snapshot" in self.text:
                    self.open.set()


def event_lines(text: str) -> list[Any]:
    """Return the lines of a stream of events, each as name and value; `data` decoded."""
    found: list[Any] = []
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        if name == "data":
            found.append({name: masked(json.loads(value))})
        elif name == "event":
            found.append({name: value})
        elif name in ("id", "retry"):
            found.append({name: "…"})
    return found
