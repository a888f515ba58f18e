"""A closed loop: each socket submits a job, waits for its result, and submits the next."""

import asyncio
import itertools
import time

import msgspec

from .histogram import Histogram
from .wire import WireClient


class Frame(msgspec.Struct):
    """What is read of a frame."""

    type: str
    ref: int | None = None
    token: str | None = None
    event: str | None = None


_decode = msgspec.json.Decoder(Frame).decode

FINAL = {"succeeded", "failed", "cancelled", "expired"}


class Loop:
    """The figures of one run, and the sockets that make them."""

    def __init__(self, url: str, kind: str, sockets: int) -> None:
        self.ack = Histogram()
        self.reply = Histogram()
        self.jobs = 0
        self.progress = 0
        self.early = 0
        """Events that came before the ack of their job; must be 0."""
        self.errors = 0
        self._measuring = False
        self._payload = f'{{"type":"submit","ref":%d,"kind":"{kind}","input":{{}}}}'
        self._ref = itertools.count(1)
        self._clients = [WireClient(url, self._frame) for _ in range(sockets)]
        self._sent: dict[WireClient, float] = {}
        self._token: dict[WireClient, str | None] = {}

    async def run(self, warm_up_s: float, seconds: float) -> float:
        """Run for `seconds` after warming up; return the seconds it really measured."""
        await asyncio.gather(*(client.connect() for client in self._clients))
        for client in self._clients:
            self._submit(client)
        await asyncio.sleep(warm_up_s)
        self._measuring = True
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        self._measuring = False
        took = time.perf_counter() - began
        for client in self._clients:
            client.close()
        return took

    def _submit(self, client: WireClient) -> None:
        self._token[client] = None
        self._sent[client] = time.perf_counter()
        client.send((self._payload % next(self._ref)).encode())

    def _frame(self, client: WireClient, payload: bytes) -> None:
        frame = _decode(payload)
        if frame.type == "event":
            self._event(client, frame)
        elif frame.type == "ack":
            self._token[client] = frame.token
            if self._measuring:
                self.ack.add(time.perf_counter() - self._sent[client])
        elif frame.type in ("error", "snapshot"):
            self.errors += 1

    def _event(self, client: WireClient, frame: Frame) -> None:
        if frame.token != self._token[client]:
            self.early += 1
        if frame.event == "progress":
            self.progress += self._measuring
        elif frame.event in FINAL:
            if frame.event != "succeeded":
                self.errors += 1
            if self._measuring:
                self.jobs += 1
                self.reply.add(time.perf_counter() - self._sent[client])
            self._submit(client)
