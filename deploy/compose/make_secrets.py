"""Make the secrets of compose.yaml: passwords of the store, one API key, the password of Grafana.

    python3 deploy/compose/make_secrets.py [FOLDER]

Needs nothing but Python. With the variable TIDINGS_KEY_PREFIX the store's user is held to the names of that prefix;
compose.yaml gives the same variable to servers and workers. An existing folder is left as it is:
docs/how-to/rotate-secrets.md says how to replace a secret. The folder is for its owner alone; the files in it may be
read by all, because containers read them as users of their own.
"""

import hashlib
import os
import re
import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "secrets"

COMMANDS = (
    "nocommands +@connection +@hash +@list +@set +@sortedset +@stream +@string +@keyspace +@pubsub +@scripting "
    "-@dangerous +info +time +acl|dryrun"
)
"""What a user of the store for Tidings may do (docs/how-to/production.md)."""


def digest(text: str) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def contents(prefix: str) -> dict[str, str]:
    """Return the files, for an installation with a key prefix: name → text."""
    store, operator, grafana = (secrets.token_urlsafe(32) for _ in range(3))
    key = "tdk_" + secrets.token_urlsafe(32)
    scopes = "admin+cancel+feed+submit+watch"
    return {
        "store_url": f"redis://tidings:{store}@store:6379/0\n",
        "users.acl": (
            # No client is `default`, and it may do all: the store replays its append-only file with its rights, and
            # before Valkey 9.1.2 drops what these do not allow.
            "user default off ~* &* +@all\n"
            # As which the health check of the container asks.
            "user health on nopass resetkeys resetchannels nocommands +ping\n"
            f"user tidings on #{digest(store)} resetkeys ~{prefix}:* resetchannels &{prefix}:* {COMMANDS}\n"
            f"user operator on #{digest(operator)} ~* &* +@all\n"
        ),
        "operator_password": operator + "\n",
        "server.env": f"TIDINGS_API_KEYS=first:{digest(key)}:{scopes}\n",
        "api_key": key + "\n",
        "grafana_password": grafana + "\n",
    }


def main(folder: Path) -> int:
    """Write the files; return the exit code."""
    prefix = os.environ.get("TIDINGS_KEY_PREFIX", "t")
    if not re.fullmatch(r"(?!db[0-9]+$)[A-Za-z0-9._-]{1,32}", prefix):
        wrong = f"TIDINGS_KEY_PREFIX is {prefix!r}: docs/reference/settings.md says what it may be"
        print(wrong, file=sys.stderr)  # noqa: T201
        return 2
    if folder.exists():
        print(f"{folder} is there already, and stays as it is", file=sys.stderr)  # noqa: T201
        return 1
    folder.mkdir(mode=0o700, parents=True)
    for name, text in contents(prefix).items():
        (folder / name).write_text(text)
    print(f"made {folder}; the API key is in {folder / 'api_key'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
