"""arq and a WebSocket server, with one channel for all jobs, which is more than tutorials do."""

from . import Peer
from ._glued import glued
from .arq import GUARANTEES, SERVER, WORKER

PEER = Peer(
    "arq + Starlette, one shared channel",
    glued(SERVER, WORKER, {"SHARED_CHANNEL": "1"}),
    guarantees=GUARANTEES,
)
