"""Write the reference pages that come from the code: settings, frames, routes, commands, the libraries and others.

Run `make docs` after changing what they are made of; tests compare. `--print PAGE` prints one, `--check` names those
that are out of date, and ends with 1 if any is.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from reference_pages.commands_page import commands
from reference_pages.frames_page import frames
from reference_pages.http_page import http
from reference_pages.javascript_page import javascript
from reference_pages.llms_page import llms
from reference_pages.markdown import HEAD
from reference_pages.python_names import PAGES as PYTHON_PAGES
from reference_pages.python_pages import python_page
from tidings.compatibility.rules import ALLOWED_BY_VERSION, NOTICES, RULES
from tidings.protocol.events import StreamEvent
from tidings.protocol.frames.close_codes import CLOSE_CODES
from tidings.protocol.frames.stream_messages import ChunkData, ChunksData, ResetData, StreamSnapshot
from tidings.protocol.problems import CODES
from tidings.protocol.states import REPLAY, TERMINAL, TRANSITIONS
from tidings.settings.settings import StoreSettings, settings_of
from tidings_server.openapi.field_descriptions import descriptions
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings

HERE = Path(__file__).parent / "reference"


def settings() -> str:
    """Return the page of all settings."""
    common = {setting.name for setting in settings_of(StoreSettings)}
    parts = [
        HEAD + "# Settings\n\nEach is an environment variable and a flag of the command; the flag wins.\n\n"
        "A process warns at its start of a variable that begins with `TIDINGS_` and is none of these, names the one "
        "that was probably meant, and runs on. The commands read `TIDINGS_URL`, `TIDINGS_CREDENTIAL` and "
        "`TIDINGS_DIR`. Variables of your own may begin with `TIDINGS_X_`. The process passes over those that "
        "Kubernetes makes of a Service.\n"
    ]
    for title, kind in (
        ("Every process", StoreSettings),
        ("`tidings serve`", ServerSettings),
        ("`tidings work`", WorkerSettings),
    ):
        parts.append(
            f"\n## {title}\n\n| variable | flag | type | default | unit | meaning |\n|---|---|---|---|---|---|\n"
        )
        for one in settings_of(kind):
            if kind is StoreSettings or one.name not in common:
                default = _shown(one.default)
                row = (
                    f"`{one.variable}`",
                    f"`{one.flag}`" if one.flag else "none",
                    one.type_name,
                    default,
                    one.unit,
                    one.meaning,
                )
                parts.append("| " + " | ".join(row) + " |\n")
    return "".join(parts)


def schema_rules() -> str:
    """Return the page of the rules by which a changed kind breaks something."""
    rows = [
        f"| `{code}` | {rule.says} | {', '.join(rule.breaks)} | {_allowed(code)} | {rule.advice} |\n"
        for code, rule in RULES.items()
    ]
    return "".join(
        [
            HEAD + "# Changes of a kind that break something\n\n"
            "`tidings schema check`, and each worker at its start, compare kinds by these rules. [How to deploy a "
            "change](../how-to/deploys.md) says what to do about them.\n\n"
            "| rule | what has changed | what it breaks | allowed | what to do |\n|---|---|---|---|---|\n",
            *rows,
        ]
    ) + (
        "\nThe schema engine decides whether every old input is allowed by the new schema, and every new result by the "
        "old one; the rules name the place. Objects are taken to have no fields but those that their writer's schema "
        "names. An environment that has nothing but workers has no engine: there the rules decide alone, and "
        "`input_narrowed` and `result_widened` are not found.\n"
    )


def _allowed(code: str) -> str:
    if code in NOTICES:
        return "always: it is reported"
    return "under a raised version" if code in ALLOWED_BY_VERSION else "no"


def protocol() -> str:
    """Return the page of the protocol's fixed tables."""
    parts = [
        HEAD
        + "# States, problems, close codes\n\n## States of a job\n\n| state | terminal | may become |\n|---|---|---|\n"
    ]
    for state, after in TRANSITIONS.items():
        parts.append(f"| `{state}` | {'yes' if state in TERMINAL else ''} | {', '.join(sorted(after))} |\n")
    for state, after in REPLAY.items():
        parts.append(f"\nAn operator's replay, and nothing else, makes `{state}` {', '.join(sorted(after))} again.\n")
    parts.append("\n## Problems\n\n`type` is `urn:tidings:problem:` and the code.\n\n")
    parts.append("| code | HTTP status | worth another try | meaning |\n|---|---|---|---|\n")
    for code, fixed in CODES.items():
        parts.append(f"| `{code}` | {fixed.status} | {'yes' if fixed.retryable else 'no'} | {fixed.title} |\n")
    parts.append("\n## Close codes of the socket\n\n| code | name | reconnect | meaning |\n|---|---|---|---|\n")
    for number, close in CLOSE_CODES.items():
        parts.append(f"| {number} | {close.name} | {'yes' if close.reconnect else 'no'} | {close.meaning} |\n")
    parts.append(
        "\n## How clients get the end of a job\n\n"
        "A job's end is an event (`succeeded` with `result`, `failed` with `problem`, `cancelled`, `expired`), however "
        "large it is and over whichever transport. The server reads an end that is too large for the store's channels "
        "from the job's record, and sends it as an event too. To a client that watches a job after its end, the "
        "server sends the `snapshot`, which shows the end too, and then the terminal event under the snapshot's "
        "number; not the event where the client's `after` is that number. Long-polls and `GET /v1/jobs/{token}` "
        "answer with snapshots only.\n\n"
        "When events were lost on the way to a server, and the record holds only what came of them (the state, and the "
        "newest progress), the server sends a `snapshot` with `ref: null` on a socket, and a `snapshot` without an "
        "`id` in a stream. The log's chunks that the client has not seen are in its `log` on a socket, and events "
        "before it in a stream.\n"
    )
    parts.append(
        "\n## What names a job everywhere\n\n"
        "| name | where from | where it stands |\n|---|---|---|\n"
        "| `token` | the server makes it | in every ack, event, snapshot and log line |\n"
        "| `correlation_id` | the client's; where it gave none, the token; of a child of a saga, its parent's; of a "
        "recurring job, its tick | in snapshots, dead letters, `ctx.correlation_id` and log lines |\n"
        "| `trace_id` | out of the client's `traceparent` (W3C Trace Context); the server ignores a broken one | in "
        "snapshots, in problems of the job or of its refusal, and in log lines |\n"
        "\nEvents repeat neither `correlation_id` nor `trace_id`: the client of a job gave them, and any other watcher "
        "gets them with the snapshot that comes first.\n"
    )
    parts.append(_streams())
    return "".join(parts)


def _streams() -> str:
    """Return the section about the streams of jobs."""
    parts: list[str] = []
    parts.append(
        "\n## Streams\n\n"
        "A stream is a part of a job's answer, which one attempt says chunk after chunk: the tokens of a model, the "
        "lines of a report. A job may have several, by name; what a generator yields is the stream `main`. The events "
        "of streams go to those who watch the job, never to webhooks or to groups of consumers. No reader skips "
        "one.\n\n| event | field of `data` | meaning |\n|---|---|---|\n"
    )
    kinds: tuple[tuple[str, type[msgspec.Struct]], ...] = (
        (StreamEvent.CHUNK, ChunkData),
        (StreamEvent.CHUNKS, ChunksData),
        (StreamEvent.RESET, ResetData),
    )
    for event, data in kinds:
        parts += [f"| `{event}` | `{name}` | {meaning} |\n" for name, meaning in descriptions(data).items()]
    parts.append(
        "\nA snapshot has `streams`, if the job has written any: by name, of each\n\n| field | meaning |\n|---|---|\n"
    )
    encoded = dict(zip(StreamSnapshot.__struct_fields__, StreamSnapshot.__struct_encode_fields__, strict=True))
    parts += [f"| `{encoded[name]}` | {meaning} |\n" for name, meaning in descriptions(StreamSnapshot).items()]
    parts.append(
        "\nA reader holds the chunks of each stream, and follows four rules:\n\n"
        "1. `chunk`, `chunks`: it puts them behind those that it holds. `index` is then the number of those that it "
        "holds; if it is not, the reader has lost something, and watches the job again with `after: 0`.\n"
        "2. `reset`: it keeps the first `keep` of its chunks, and drops the others.\n"
        "3. A snapshot: it keeps the first `from` of its chunks, and puts the snapshot's behind them. With `after`, "
        "`from` is the place of the first chunk that came later; where the reader holds what is void by then, `from` "
        "is how much of it stays. A stream that `streams` does not name has no chunks.\n"
        "4. Numbers of attempts may repeat: a job that a leaving worker hands back begins the same attempt again. What "
        "decides is `reset` and `from`, not `attempt`.\n\n"
        "So what a reader holds is at each moment a beginning of what one attempt said. What an attempt said counts "
        "until a later one writes to that stream, adopts some of it (`keep`), or succeeds without a word; then the "
        "rest is void. When the job fails, is cancelled or expires, what stands in its streams stays.\n\n"
        "A server that knows streams names `snapshot.streams` in `hello.features`. One of an earlier release, during a "
        "rolling deploy, passes the events on and has no `streams` in its snapshots: a reader then keeps what it "
        "holds, and does not take it for whole until a server that knows streams has sent it a snapshot.\n"
    )
    return "".join(parts)


def _shown(default: object) -> str:
    if default in ((), ""):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    if isinstance(default, float):
        return f"`{default:.0f}`" if default.is_integer() else f"`{default}`"
    return f"`{default}`"


PAGES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "protocol": protocol,
    "schema-rules": schema_rules,
    "frames": frames,
    "http": http,
    "commands": commands,
    "javascript": javascript,
    **{f"python/{name}": partial(python_page, name) for name in PYTHON_PAGES},
    "llms.txt": llms,  # the last: it reads the others
}


def stale() -> list[str]:
    """Return the names of the pages that are out of date."""
    return [name for name, page in PAGES.items() if not _path(name).exists() or _path(name).read_text() != page()]


def main() -> None:
    """Write all pages, or print one, or check them."""
    if sys.argv[1:2] == ["--print"]:
        sys.stdout.write(PAGES[sys.argv[2]]())
        return
    if sys.argv[1:2] == ["--check"]:
        if found := stale():
            sys.exit(f"out of date: {', '.join(found)}; run `make docs`")
        return
    for name, page in PAGES.items():
        _path(name).parent.mkdir(exist_ok=True)
        _path(name).write_text(page(), encoding="utf-8")


def _path(name: str) -> Path:
    return HERE.parents[1] / name if name.endswith(".txt") else HERE / f"{name}.md"


if __name__ == "__main__":
    main()
