"""Which part of the work a sample of the profile belongs to. No I/O.

A sample is a stack of functions. It belongs to the part of the innermost function that a rule knows: what a part
calls in libraries is its own cost, and what belongs to no part is the event loop's.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

LOOP: Final = "event loop"
"""What no rule knows: callbacks, tasks, timers."""

WAITING: Final = "waiting"
"""No part: the process waited for events, or had been woken up and waited for a processor."""


class Function(NamedTuple):
    """One function of a stack."""

    name: str
    """Qualified, as `Class.method`."""
    path: str
    """Of its file, or of its library."""


class Rule(NamedTuple):
    """Says that functions belong to a part."""

    part: str
    path: str = ""
    """What the path of their file contains; empty: any."""
    name: str = ""
    """How their name begins; empty: any."""

    def knows(self, function: Function) -> bool:
        """Return whether a function belongs to the part."""
        return self.path in function.path and function.name.startswith(self.name)


ANYWHERE: Final = (
    Rule("garbage collection", "libpython", "gc_collect_main"),
    Rule(WAITING, name="epoll_"),
    Rule("read", name="uv__read"),
    Rule("log", "/structlog/"),
)
"""Rules for both processes. Those for what is not Python apply where the profile shows it."""

SERVER: Final = (
    *ANYWHERE,
    Rule("write", "tidings_server/websocket/direct_transport.py"),
    Rule("read frame", "tidings_server/websocket/uvicorn_protocol.py"),
    Rule("read frame", "tidings_server/websocket/frames/frame_parser.py"),
    Rule("read frame", "/websockets/"),
    Rule("read frame", "/uvicorn/protocols/"),
    Rule("decode", "tidings_server/websocket/frames/frame_reader.py"),
    Rule("decode", "tidings_server/web/request/json_limits.py", "check_depth"),
    Rule("encode", "tidings_server/websocket/session.py", "Session._send"),
    Rule("ack", "tidings_server/websocket/session.py", "Session.acked"),
    Rule("hub", "tidings_server/websocket/session.py", "Session.event"),
    Rule("session", "tidings_server/websocket/session.py"),
    Rule("session", "tidings_server/jobs/quotas.py"),
    Rule("session", "tidings/token_bucket.py"),
    Rule("admit", "tidings_server/jobs/admission.py"),
    Rule("admit", "tidings_server/jobs/job_service.py", "JobService.submit"),
    Rule("admit", "tidings/store/jobs/job_builder.py"),
    Rule("admit", "tidings/store/jobs/queueing_terms.py"),
    Rule("admit", "tidings_server/kinds/kind_catalog.py"),
    Rule("admit", "tidings/protocol/tokens.py", "new_token"),
    Rule("ack", "tidings_server/jobs/client_answers.py", "acknowledge"),
    Rule("inbox decode", "tidings_server/runtime.py", "ServerRuntime._on_message"),
    Rule("ack", "tidings_server/jobs/job_service.py", "JobService._acknowledge"),
    Rule("ack", "tidings_server/jobs/pending_answer.py"),
    Rule("ack", "tidings_server/websocket/commands/socket_jobs.py", "SocketJobs._submitted"),
    Rule("hub", "tidings_server/websocket/commands/socket_listener.py"),
    Rule("hub", "tidings_server/websocket/commands/socket_jobs.py", "SocketJobs.ended"),
    Rule("write", "tidings_server/websocket/socket_channel.py", "SocketChannel.flush"),
    Rule("session", "tidings_server/websocket/socket_channel.py"),
    Rule("session", "tidings_server/websocket/socket_connection.py"),
    Rule("session", "tidings_server/websocket/commands/socket_jobs.py"),
    Rule("inbox decode", "tidings_server/watch/hub.py", "Hub.receive"),
    Rule("hub", "tidings_server/watch/hub.py"),
    Rule("hub", "tidings_server/watch/topic.py"),
    Rule("hub", "tidings_server/watch/job_listener.py"),
    Rule("hub", "tidings_server/web/send/send_buffer.py", "SendBuffer.put"),
    Rule("write", "tidings_server/web/send/send_buffer.py"),
    Rule("encode", "tidings_server/watch/encoded_frame.py"),
    Rule("encode", "tidings_server/watch/snapshots.py"),
    Rule("encode", "tidings_server/watch/event_frames.py"),
    Rule("inbox decode", "tidings/store/redis/subscription.py"),
    Rule("inbox decode", "tidings/store/redis/push_feed.py"),
    Rule("gather", "tidings/store/redis/batcher.py"),
    Rule("store call", "tidings/store/"),
    Rule("store call", "/redis/"),
)

WORKER: Final = (
    *ANYWHERE,
    Rule("claim", "tidings/store/attempts/attempt_store.py", "AttemptStore.take"),
    Rule("claim", "tidings_worker/queue/consumer.py"),
    Rule("claim", "tidings_worker/queue/queue_capacity.py"),
    Rule("claim", "tidings_worker/runner/executor_places.py"),
    Rule("claim", "tidings_worker/queue/slots.py"),
    Rule("start", "tidings/store/attempts/attempt_store.py", "AttemptStore.start"),
    Rule("start", "tidings_worker/queue/job_starter.py", "JobStarter.start"),
    Rule("start", "tidings_worker/queue/job_starter.py", "JobStarter._begin"),
    Rule("encode", "tidings_worker/runner/arguments.py", "result_json"),
    Rule("run", "tidings_worker/queue/job_starter.py", "JobStarter._run"),
    Rule("progress", "tidings_worker/attempt/handler_sink.py", "HandlerSink.progress"),
    Rule("start", "tidings_worker/attempt/attempt.py", "Attempt.__init__"),
    Rule("start", "tidings_worker/attempt/handler_sink.py", "HandlerSink.__init__"),
    Rule("start", "tidings_worker/attempt/execution.py", "Execution.__init__"),
    Rule("start", "tidings_worker/attempt/lifecycle.py", "Lifecycle.__init__"),
    Rule("run", "tidings_worker/attempt/attempt.py"),
    Rule("run", "tidings_worker/attempt/handler_sink.py"),
    Rule("run", "tidings_worker/attempt/execution.py"),
    Rule("run", "tidings_worker/attempt/lifecycle.py"),
    Rule("run", "tidings_worker/attempt/attempt_deadlines.py"),
    Rule("run", "tidings_worker/runner/runner.py"),
    Rule("run", "tidings_worker/runner/cancel_once.py"),
    Rule("run", "tidings_worker/runner/arguments.py"),
    Rule("run", "bench/jobs.py"),
    Rule("progress", "tidings/context/context.py", "Context.progress"),
    Rule("encode", "tidings/schema/codec.py", "encode"),
    Rule("progress", "tidings/schema/codec.py"),
    Rule("progress", "tidings/token_bucket.py"),
    Rule("progress", "tidings_worker/attempt/reporter.py", "Reporter.progress"),
    Rule("progress", "tidings_worker/attempt/reporter.py", "Reporter._add_progress"),
    Rule("start", "tidings_worker/attempt/reporter.py", "Reporter.__init__"),
    Rule("report", "tidings_worker/attempt/reporter.py"),
    Rule("report", "tidings_worker/outcome/outcomes.py"),
    Rule("report", "tidings/store/attempts/attempt_store.py"),
    Rule("report", "tidings/store/redis/batcher.py"),
    Rule("store call", "tidings/store/redis/pipelined_connection.py", "PipelinedConnection.buffer_updated"),
)

UNOWNED: Final = (Rule("store call", "tidings/store/"), Rule("store call", "/redis/"))
"""Rules for stacks in which no other rule knows a function: a worker's calls belong to what they are made for."""

RULES: Final = {"server": SERVER, "worker": WORKER}


def stack_of(text: str) -> list[Function]:
    """Return the functions of a stack as py-spy writes it: `name (path:line);name (path:line)`, the outermost first."""
    functions = []
    for part in text.split(";"):
        name, _, place = part.partition(" (")
        place = place.removesuffix(")")
        path, _, line = place.rpartition(":")
        functions.append(Function(name, path if line.isdecimal() else place))
    return functions


def part_of(stack: Iterable[Function], rules: Iterable[Rule]) -> str:
    """Return the part that a stack, the outermost function first, belongs to."""
    inward = list(stack)[::-1]
    rules = tuple(rules)
    for known in (rules, UNOWNED):
        for function in inward:
            for rule in known:
                if rule.knows(function):
                    return rule.part
    return LOOP


class Samples(NamedTuple):
    """The samples of one process."""

    parts: Counter[str]
    calls: Counter[str]
    """Samples that ended inside a function of the C library, most of them system calls: its name → how many."""

    @property
    def total(self) -> int:
        """How many there are."""
        return self.parts.total()


def sort_samples(profile: str, rules: Iterable[Rule]) -> Samples:
    """Return the samples of a profile as py-spy writes it, in each line a stack and how often it was seen.

    Those in which the process waited are left out: on a busy machine they are many, and no CPU time of its own.
    """
    samples = Samples(Counter(), Counter())
    for line in profile.splitlines():
        text, _, count = line.rpartition(" ")
        stack = stack_of(text)
        part = part_of(stack, rules)
        if part == WAITING:
            continue
        samples.parts[part] += int(count)
        if "/libc.so" in stack[-1].path and not stack[-1].name.startswith("0x"):
            samples.calls[stack[-1].name] += int(count)
    return samples


def shares(counts: Counter[str], of: int, total_us: float) -> dict[str, float]:
    """Return how much of `total_us` falls on each, the most first; `of` is how many samples that stands for."""
    return {name: count / of * total_us for name, count in counts.most_common()} if of else {}
