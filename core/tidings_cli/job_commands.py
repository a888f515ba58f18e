"""The commands of a client: submit, watch, show, signal, cancel. Only results go to standard output."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tidings.client import Client, ClientError, Handle, SubmitOptions
from tidings.client.client_errors import ConnectionFailed
from tidings.client.connection.address import DEFAULT_URL
from tidings.client.connection.credential import text_or_file
from tidings.logging.printable import printable, printable_json
from tidings.protocol.frames.messages import Snapshot, SnapshotFrame
from tidings.protocol.frames.stream_names import NAME_MEANING, may_be_called
from tidings.protocol.problems import Problem, ProblemError

from . import step_timeline_view
from .command_errors import CommandError
from .follow import follow, follow_stream
from .terminal import open_console

Url = Annotated[str, typer.Option("--url", envvar="TIDINGS_URL", show_envvar=True, help="The server's address.")]
Credential = Annotated[
    str | None,
    typer.Option(
        "--credential",
        envvar="TIDINGS_CREDENTIAL",
        show_envvar=True,
        show_default=False,
        help="An API key or a JWT; @FILE reads a file. Others on this machine can read a command line: rather set the "
        "variable, or name a file.",
    ),
]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to go on trying while no server answers.")]


def submit(
    kind: Annotated[str, typer.Argument(help="What to do.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            help="The input, as field=value; a value that reads as JSON is taken as such, unless the kind wants a text."
        ),
    ] = None,
    *,
    json: Annotated[
        str | None, typer.Option("--json", help="The input as JSON; @FILE reads a file, - standard input.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key.")] = None,
    delay: Annotated[float | None, typer.Option(help="Seconds before it may start.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Not before this moment: RFC 3339 with its offset, 2026-12-24T18:00:00+01:00.")
    ] = None,
    deadline: Annotated[float | None, typer.Option(help="Seconds from now until it must have finished.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag by which `tidings jobs --tag` lists it; give several.")
    ] = None,
    do_follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it, and print the result.")] = False,
    url: Url = DEFAULT_URL,
    credential: Credential = None,
    wait: Wait = 0,
) -> None:
    """Submit a job and print its token; with --follow, watch it and print its result as JSON."""
    value = read_input(fields or [], json)
    texts = _texts(fields or [])
    options = SubmitOptions(
        key=key, delay=delay, at=_start_time(at), deadline=deadline, tags=tuple(tags or ()), watch=do_follow
    )

    async def run(client: Client) -> int:
        handle = await _submit(client, kind, value, texts, options)
        if not do_follow:
            print(printable(handle.token))  # noqa: T201
            return 0
        return await follow(handle, kind)

    run_client(url, credential, wait, run)


def _stream_name(name: str) -> str:
    if name and not may_be_called(name):
        raise typer.BadParameter(NAME_MEANING)
    return name


def watch(
    token: Annotated[str, typer.Argument(help="The job's token.")],
    *,
    stream: Annotated[
        str,
        typer.Option(
            "--stream",
            help="Print this stream as it comes, not the result; `main`: of a generator.",
            callback=_stream_name,
        ),
    ] = "",
    url: Url = DEFAULT_URL,
    credential: Credential = None,
    wait: Wait = 0,
) -> None:
    """Watch a job, and print its result as JSON."""

    async def run(client: Client) -> int:
        if stream:
            return await follow_stream(await client.watch(token), stream)
        handle = await client.watch(token)
        assert handle.snapshot is not None, "a watch is answered by one"
        return await follow(handle, handle.snapshot.kind)

    run_client(url, credential, wait, run)


def cancel(
    token: Annotated[str, typer.Argument(help="The job's token.")],
    *,
    url: Url = DEFAULT_URL,
    credential: Credential = None,
    wait: Wait = 0,
) -> None:
    """Ask that a job stop."""

    async def run(client: Client) -> int:
        handle = await client.watch(token)
        await handle.cancel()
        return 0

    run_client(url, credential, wait, run)


def show(
    token: Annotated[str, typer.Argument(help="The job's token.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, without the log.")] = False,
    url: Url = DEFAULT_URL,
    credential: Credential = None,
    wait: Wait = 0,
) -> None:
    """Show where a job stands, and of a saga the steps it has taken and undone."""

    async def run(client: Client) -> int:
        snapshot = (await client.watch(token)).snapshot
        assert snapshot is not None, "a watch is answered by one"
        if as_json:
            print(printable_json(_without_frame_fields(snapshot)))  # noqa: T201
        else:
            step_timeline_view.print_job(snapshot, open_console())
        return 0

    run_client(url, credential, wait, run)


def signal(
    token: Annotated[str, typer.Argument(help="The job's token.")],
    name: Annotated[str, typer.Argument(help="The name that it waits for.")],
    value: Annotated[
        str | None, typer.Argument(help="What the signal says; what reads as JSON is taken as such. None: null.")
    ] = None,
    *,
    key: Annotated[str | None, typer.Option(help="Idempotency key: given again, it is the same signal.")] = None,
    url: Url = DEFAULT_URL,
    credential: Credential = None,
    wait: Wait = 0,
) -> None:
    """Give a signal to a saga."""
    said = None if value is None else _json_or_text(value)

    async def run(client: Client) -> int:
        handle = await client.watch(token)
        try:
            await handle.signal(name, said, key=key)
        except ValueError as error:
            raise CommandError(str(error)) from None
        return 0

    run_client(url, credential, wait, run)


async def _submit(
    client: Client, kind: str, value: dict[str, Any], texts: dict[str, str], options: SubmitOptions
) -> Handle:
    """Submit; a value that reads as JSON and that the server refuses as such is sent again as text.

    The server knows which fields are texts. So the command asks nothing before, and a submission costs no more.
    """
    try:
        return await client.submit(kind, value, options=options)
    except ProblemError as error:
        as_text = {name: texts[name] for name in _refused_fields(error.problem) if name in texts}
        if error.problem.code != "invalid_input" or not as_text:
            raise
        try:
            return await client.submit(kind, {**value, **as_text}, options=options)
        except ProblemError:
            raise error from None  # the first refusal is about the value that the user meant


def _texts(fields: list[str]) -> dict[str, str]:
    """Return the fields whose text reads as JSON, but not as a JSON string."""
    split = (field.partition("=") for field in fields)
    return {name: text for name, _, text in split if not isinstance(_json_or_text(text), str)}


def _refused_fields(refused: Problem) -> set[str]:
    """Return the fields of the input that the server's refusal names."""
    pointers = [refused.field, *(one.get("field") for one in refused.errors or ())]
    names = (pointer.removeprefix("/input/") for pointer in pointers if pointer and pointer.startswith("/input/"))
    return {name.replace("~1", "/").replace("~0", "~") for name in names if "/" not in name}


def _without_frame_fields(snapshot: SnapshotFrame) -> Snapshot:
    fields = {name: getattr(snapshot, name) for name in Snapshot.__struct_fields__}
    return Snapshot(**fields)


def read_input(fields: list[str], json: str | None, flag: str = "--json") -> dict[str, Any]:
    """Return the input that the arguments give.

    Args:
        fields: as field=value; they come before what the JSON says.
        json: the JSON, `@FILE` or `-`.
        flag: where that was given.

    Raises:
        CommandError: a field has no `=`, or the JSON is none, or not an object.

    """
    value: Any = {}
    if json is not None:
        value = _decode_json(json, flag)
    for field in fields:
        name, equals, text = field.partition("=")
        if not equals or not name:
            raise CommandError(f"{field!r} is not of the form field=value")
        value[name] = _json_or_text(text)
    return dict(value)


def _start_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at {text}: not a moment such as 2026-12-24T18:00:00+01:00") from None
    # Without an offset the user means local time.
    return moment if moment.tzinfo else moment.astimezone()


def _decode_json(text: str, flag: str) -> dict[str, Any]:
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{flag} {text}: {error.strerror}") from None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise CommandError(f"{flag} takes a JSON object: {error}") from None


def _json_or_text(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text


def credential_source(credential: str | None) -> str | Callable[[], str] | None:
    """Return the client's credential; a file is read for each connection, as it may be renewed."""
    try:
        return text_or_file(credential, "--credential")
    except ConnectionFailed as error:
        raise CommandError(str(error)) from None


def run_client(url: str, credential: str | None, wait: float, body: Callable[[Client], Awaitable[int]]) -> None:
    """Run `body` with a client of the server that the flags name, and exit with the code that it returns.

    Raises:
        CommandError: no server answers, or the connection was closed for good.
        ProblemError: the server refused what the command asked.

    """

    async def connected() -> int:
        async with Client(url, credential=credential_source(credential), wait=wait) as client:
            return await body(client)

    try:
        code = asyncio.run(connected())
    except ClientError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)
