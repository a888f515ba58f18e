"""The turns of a closed loop by long polls: each answer to a submission is the job's outcome."""

import msgspec

from .tally import Tally


class _Snapshot(msgspec.Struct):
    """What is read of the answer to a submission."""

    status: str


_decode = msgspec.json.Decoder(_Snapshot).decode


class PollTurn:
    """One connection's job in flight. No I/O and no clock."""

    def __init__(self, tally: Tally, host: str, root: str, kind: str) -> None:
        """Prepare; as `StreamTurn`."""
        self._tally = tally
        body = msgspec.json.encode({"kind": kind, "input": {}})
        head = f"POST {root}/v1/jobs HTTP/1.1\r\nHost: {host}\r\nPrefer: wait=60\r\n"
        self._post = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self._status = 0
        self._body = b""
        self._sent = 0.0

    def begin(self, now: float) -> bytes:
        """Take note that the next job is submitted now; return the request."""
        self._sent = now
        return self._post

    def head(self, status: int) -> None:
        """Take the status of the answer."""
        self._status = status
        self._body = b""

    def body(self, data: bytes, now: float) -> None:
        """Take some of its body."""
        self._body += data

    def end(self, now: float) -> bytes:
        """Take note that the answer is over; return the next request."""
        if self._status == 200 and _decode(self._body).status == "succeeded":
            self._tally.ended(now - self._sent, 0)
        else:
            self._tally.errors += 1
        return self.begin(now)
