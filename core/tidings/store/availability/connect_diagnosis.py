"""Why a store cannot be used at an address: what the first connection's failure means, and what an operator does."""

import ssl

import redis.exceptions

from tidings.settings.store_url import StoreUrl
from tidings.store.sentinel.address_vote import SentinelError

_TLS_ALERT = "\\x15"
"""How a TLS peer's answer to plain text begins: the type of a record that holds an alert (RFC 8446, section 5.1)."""

_CREDENTIALS = (
    "WRONGPASS",
    "NOAUTH",
    "invalid username-password pair",
    "invalid password",
    "Authentication required",
    "AUTH <password> called without any password",
    "Client sent AUTH, but no password is set",
)
_ENDED = ("Connection reset by peer", "Connection closed by server", "Connection lost", "Broken pipe")
_DATABASE = ("DB index is out of range", "invalid DB index")


_SAYS = {
    "credentials": "the store at {shown} refuses the user name or password of its address; write it "
    "redis://USER:PASSWORD@HOST, without a user name redis://:PASSWORD@HOST",
    "database": "the store at {shown} has no database {database}; name a lower one, or raise its `databases`",
    "certificate": "the certificate of the store at {shown} is not trusted ({said}); name its authority: "
    "rediss://…?ssl_ca_certs=FILE",
    "no TLS": "the store at {shown} does not speak TLS on that port ({said}); write redis:// or name its TLS port",
    "no greeting": "no store greets by TLS at {shown} ({said}); if it does not speak TLS there, write redis://",
    "ended": "what answers at {shown} ended the connection at the first command ({said}); if it speaks TLS there, "
    "write rediss://",
    "TLS": "the store at {shown} speaks TLS on that port; write rediss://",
    "other": "what answers at {shown} is not Redis or Valkey ({said}); name the store's port",
    "no cluster": "the store at {shown} is no cluster ({said}); write redis://",
    "permission": "the store's user at {shown} may not do what tidings needs ({said}); docs/how-to/production.md lists "
    "what to grant",
    "nothing": "no store answers at {shown} ({said}); start one there, set TIDINGS_STORE_URL, or use `tidings dev`, "
    "which brings its own",
}


def explain_connect_error(error: BaseException, url: StoreUrl) -> str:
    """Return one line: what is wrong with the store at `url`, and what to do; nothing secret is in it.

    Args:
        error: what the attempt to connect and to greet the store raised.
        url: where.

    """
    if isinstance(error, SentinelError):
        return str(error)
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    cause = _refused(error, said) or (_of_tls(error, said) if url.tls else _of_plain(error, said))
    return _SAYS[cause].format(shown=url.shown, database=url.database, said=said)


def _refused(error: BaseException, said: str) -> str:
    if any(one in said for one in _CREDENTIALS):
        return "credentials"
    if "cluster support disabled" in said:
        return "no cluster"
    if any(one in said for one in _DATABASE):
        return "database"
    return "permission" if isinstance(error, redis.exceptions.NoPermissionError) else ""


def _of_tls(error: BaseException, said: str) -> str:
    if _verification_failed(error, said):
        return "certificate"
    if _speaks_no_tls(error, said):
        return "no TLS"
    # A store that reads the greeting of TLS as a command of its own waits for the rest of it.
    return "no greeting" if isinstance(error, redis.exceptions.TimeoutError) else "nothing"


def _of_plain(error: BaseException, said: str) -> str:
    if isinstance(error, redis.exceptions.InvalidResponse):
        return "TLS" if _TLS_ALERT in said else "other"
    # The alert itself is often lost, as a peer that leaves bytes unread resets the connection.
    return "ended" if any(one in said for one in _ENDED) else "nothing"


def _verification_failed(error: BaseException, said: str) -> bool:
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _chain(error)) or "verify failed" in said


def _speaks_no_tls(error: BaseException, said: str) -> bool:
    return any(isinstance(one, ssl.SSLError) for one in _chain(error)) or "[SSL" in said


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
