"""The frames of the contract, as far as the load generator reads and writes them."""

import msgspec


class Limits(msgspec.Struct, gc=False):
    """What is read of the limits in a greeting; a system that greets nobody is taken to have these."""

    max_in_flight: int = 1_000
    """Submits of one socket that may wait for their ack."""


class Frame(msgspec.Struct, gc=False):
    """What is read of a frame."""

    type: str
    ref: int | None = None
    token: str | None = None
    seq: int = 0
    event: str | None = None
    limits: Limits | None = None


decode = msgspec.json.Decoder(Frame).decode


def submit_of(kind: str, tag: str = "", webhook: str = "", input_json: str = "{}") -> bytes:
    """Return the frame that submits a job of a kind, with `%d` in the place of its ref.

    Args:
        kind: of the job.
        tag: of the job; empty: none.
        webhook: its URL; empty: none.
        input_json: its input, without `%`.

    """
    more = f',"tags":["{tag}"]' if tag else ""
    more += f',"webhook":{{"url":"{webhook}"}}' if webhook else ""
    return f'{{"type":"submit","ref":%d,"kind":"{kind}","input":{input_json}{more}}}'.encode()
