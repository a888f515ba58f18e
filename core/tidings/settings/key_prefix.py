"""The key prefix: what stands before every key and channel of an installation in the store. Pure.

It is short, since each key and channel repeats it. It has no braces, as a cluster takes what stands in the first pair
for the hash tag; none of the characters that mean something in patterns of access rules and of SCAN; and no colon, so
that `PREFIX:*` matches the names of one installation alone.

Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ ("Hash tags"),
https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ ("Key permissions").
"""

import re
from typing import Final

DEFAULT_KEY_PREFIX: Final = "t"

MAX_KEY_PREFIX_BYTES: Final = 32

_ALLOWED = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_OF_DATABASES = re.compile(r"db[0-9]+", re.ASCII)


class KeyPrefixError(ValueError):
    """A text cannot be a key prefix; the message says why, and what to do."""


def show_patterns(prefix: str) -> str:
    """Return the patterns that the store's user needs, as access rules have them."""
    return f"keys ~{prefix}:*, channels &{prefix}:*"


def check_key_prefix(prefix: str) -> None:
    """Return if a text can be a key prefix.

    Raises:
        KeyPrefixError: it cannot.

    """
    if not prefix:
        raise KeyPrefixError(f"it is empty; leave the setting out for the default, {DEFAULT_KEY_PREFIX!r}")
    if len(prefix) > MAX_KEY_PREFIX_BYTES:
        raise KeyPrefixError(
            f"it has {len(prefix)} characters; at most {MAX_KEY_PREFIX_BYTES}. Take a shorter one: every key repeats it"
        )
    wrong = _ALLOWED.sub("", prefix)
    if wrong:
        raise KeyPrefixError(
            f"it holds {wrong[0]!r}; allowed: the letters a to z and A to Z, digits, `.`, `_` and `-`. Leave out what "
            "else it holds; a colon follows it by itself"
        )
    if _OF_DATABASES.fullmatch(prefix):
        raise KeyPrefixError(
            "so begin the channels of installations in the store's other databases; take a name other than `db` and a "
            "number"
        )
