"""The operator at a command line, and the acts that the command line performs for that operator."""

import getpass
import os
import socket

from redis.asyncio import Redis

from tidings.logging.printable import printable
from tidings.store.admin.audit_log import AuditEntry, AuditLog
from tidings.store.admin.operator_actions import Operator, OperatorActions
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.store_client import keys_of
from tidings_cli.terminal import error_console, plain

MAX_NAME = 100
"""Characters of the user's and of the host's name in an entry."""


def local_operator() -> Operator:
    """Return the user of the operating system and the host, as entries of the audit log name them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"uid {os.getuid()}"
    host = printable(socket.gethostname())[:MAX_NAME]
    return Operator(f"{printable(user)[:MAX_NAME]}@{host}", host)


def operator_actions(store: Redis) -> OperatorActions:
    """Return the acts on a store; an entry that cannot be written is a warning, for the act has been done."""
    audit = AuditLog(store, keys_of(store))

    async def write(entry: AuditEntry) -> None:
        try:
            await audit.write(entry)
        except StoreError as error:
            text = f"the act is done, but its entry in the audit log could not be written: {plain(error)}"
            error_console().print(f"[yellow]warning: {text}[/]")

    return OperatorActions(store, keys_of(store), local_operator(), write)
