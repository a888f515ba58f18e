"""The limits of one connection, as the server tells them in `hello`."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit of one connection, told in `hello`. Names end in the unit where there is one.

    Those with a default came later: a server of an earlier release does not tell them.
    """

    max_frame_bytes: int
    """Size of one frame from the client; a larger one closes the socket with 1009."""
    max_depth: int
    """How deep arrays and objects may nest in a frame."""
    max_in_flight: int
    """Submits waiting for their ack at one time."""
    max_watches: int
    """Jobs watched at one time."""
    max_waiting_bytes: int
    """Bytes waiting to be sent before the connection counts as too slow (4008)."""
    max_frames_per_s: float = 5_000.0
    """Frames from the client a second, on average; broken repeatedly, it closes the socket (4029)."""
    max_frame_burst: int = 25_000
    """Frames at once."""
    max_submits_per_s: float = 10_000.0
    """Submits of one caller a second, over all its connections to this server, on average."""
    max_submit_burst: int = 50_000
    """Submits at once."""
    max_watches_per_caller: int = 200_000
    """Jobs watched by one caller over all its connections to this server."""
    max_connections_per_caller: int = 20_000
    """Connections of one caller to this server."""
    max_connections_per_address: int = 20_000
    """Connections from one address to this server."""
    max_connection_age_s: float = 3_600.0
    """Seconds after which, or a little before, the client is asked to come back (4000)."""
    max_follows: int = 100
    """Tags followed at one time."""
    max_listed_per_owner: int = 10_000
    """Jobs of one owner, the newest of each queue, that are listed and followed."""
    auth_within_s: float = 10.0
    """Seconds within which a client must have said who it is, where that is asked (4401)."""
    max_grants: int = 0
    """Grants that a connection without another credential may hold at one time; 0: the server knows no grants."""
