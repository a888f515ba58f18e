"""What several sentinels say of the primary's address, and which answer counts. Pure.

One sentinel that is cut off from the others goes on naming a primary that they have replaced. So the address counts
that most of the listed sentinels name; where fewer answer, the one that most of those name.

Source: https://valkey.io/topics/sentinel-clients/
"""

from collections import Counter

import redis.exceptions

from tidings.settings.store_url import StoreUrl

Address = tuple[str, int]
"""Host and port."""

_CREDENTIALS = (
    "WRONGPASS",
    "NOAUTH",
    "invalid username-password pair",
    "Authentication required",
    "without any password",
)


class SentinelError(redis.exceptions.ConnectionError):
    """No primary is known; the message is one line that says why and what an operator does."""


class AddressVote:
    """The answers to one question."""

    def __init__(self, url: StoreUrl) -> None:
        """Begin; url: lists the sentinels, and has the primary's name."""
        self._url = url
        self._votes: Counter[Address] = Counter()
        self._strangers: list[str] = []
        """Sentinels that know no primary of that name."""
        self._faults: list[str] = []
        """What the others said; a fault that an operator has to mend comes first."""

    @property
    def decided(self) -> bool:
        """Whether no further answer can change the outcome."""
        return bool(self._votes) and self._votes.most_common(1)[0][1] > len(self._url.hosts) / 2

    def take(self, sentinel: Address, answer: Address | Exception | None) -> None:
        """Take in what one sentinel said: an address; None: it knows no such primary; or why there is no answer."""
        place = f"{sentinel[0]}:{sentinel[1]}"
        if answer is None:
            self._strangers.append(place)
        elif not isinstance(answer, Exception):
            self._votes[answer] += 1
        elif isinstance(answer, redis.exceptions.ResponseError | redis.exceptions.AuthenticationError):
            self._faults.insert(0, _explained(place, answer))
        else:
            said = " ".join(str(answer).split()).rstrip(".") or type(answer).__name__
            self._faults.append(f"no sentinel answers at {place} ({said})")

    def outcome(self) -> Address:
        """Return the address that counts.

        Raises:
            SentinelError: no sentinel named one.

        """
        if self._votes:
            return self._votes.most_common(1)[0][0]
        if self._strangers:
            raise SentinelError(
                f"the sentinel at {self._strangers[0]} knows no primary {self._url.service!r}; name it in "
                "TIDINGS_STORE_URL as its `sentinel monitor` line does: redis+sentinel://HOST:PORT/NAME"
            )
        raise SentinelError(
            f"{self._faults[0]}; TIDINGS_STORE_URL lists them: redis+sentinel://HOST:PORT,HOST:PORT/NAME"
        )


def _explained(place: str, error: Exception) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    if any(one in said for one in _CREDENTIALS):
        return (
            f"the sentinel at {place} refuses its user name or password; write "
            "?sentinel_username=USER&sentinel_password=PASSWORD at the end"
        )
    if "unknown command" in said:
        return f"what answers at {place} is a store and no sentinel; name sentinels, or write redis://"
    return f"the sentinel at {place} refuses ({said})"
