"""What attempts say in streams, and readers who come back, each beside what the model says of it."""

import itertools

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from model.broker_rules import PARTITION, WORKERS, BrokerRules
from model.model_job import Held, ModelJob
from model.model_streams import held_by
from streams.stored import kept as kept_chunks
from streams.stored import said
from tidings.protocol.states import State
from tidings.protocol.tokens import Token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport
from tidings.store.jobs.job_reader import UNBOUNDED_ROOM
from tidings.store.streams.stream_records import KeepChunks, StreamChunks

STREAMS = ("main", "a")
KEEPS = st.dictionaries(st.sampled_from(STREAMS), st.integers(0, 4), max_size=2)
SAYS = st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(1, 3)), max_size=4)
_encode = msgspec.json.encode


class StreamRules(BrokerRules):
    """The rules of jobs, and those of their streams."""

    held = BrokerRules.held
    jobs = BrokerRules.jobs

    def __init__(self) -> None:
        self._numbers = itertools.count()
        super().__init__()

    @rule(
        held=held,
        again=st.sampled_from([1, 1, 1, 2, 0]),
        keeps=KEEPS,
        says=SAYS,
        skips=st.sampled_from([0, 0, 0, 0, 0, 1]),
        ends=st.sampled_from([False, False, True]),
    )
    def say(
        self, held: Held | None, again: int, keeps: dict[str, int], says: list[tuple[str, int]], skips: int, ends: bool
    ) -> None:
        """Report what an attempt keeps and says; `skips`: as if the store had lost a chunk that it said before."""
        if held is None:
            return
        model = self.model[held.entry.id]
        report = AttemptReport(held.entry.id, held.fence, model.reported + again)
        report.has_streams = True
        at = {name: model.streams.count(name, held.fence) for name in STREAMS}
        for name, most in keeps.items():
            if not at[name]:  # a handler keeps before it says anything
                at[name] = min(most, model.streams.length(name))
                report.events.append(kept_chunks(name, at[name], attempt=model.attempt))
        for name, count in says:
            texts = [f"{next(self._numbers)} " for _ in range(count)]
            report.events.append(said(name, at[name] + skips, *texts, attempt=model.attempt))
            at[name] += count
        if ends:
            report.outcome = AttemptOutcome(State.SUCCEEDED, "result", self._result_of(model, held, report))
        answer = self.run(self.workers[held.worker].report, report)
        if held.fence == model.fence and report.number <= model.reported:
            assert answer == "done"
        elif held.fence != model.fence or model.state is not State.RUNNING or (skips and says):
            assert answer == "lost"
        else:
            assert answer == ("cancel" if model.cancel else "ok")
            self._written(model, report, State.SUCCEEDED if ends else None, aside=False)
            model.streams.result = msgspec.json.decode(report.outcome.value) if report.outcome is not None else None

    @rule(
        worker=st.sampled_from(WORKERS),
        attempts=st.lists(st.tuples(KEEPS, SAYS), min_size=2, max_size=3),
        ends=st.booleans(),
    )
    def say_die_and_say_again(
        self, worker: str, attempts: list[tuple[dict[str, int], list[tuple[str, int]]]], ends: bool
    ) -> None:
        """Go the way of a job whose workers die while they speak: by chance alone it is rarely gone."""
        self.submit("", "x", 0, "", "")
        held = self._start(worker, self.run(self.workers[worker].take, ["standard"], 1, 1))
        for number, (keeps, says) in enumerate(attempts):
            is_last = number == len(attempts) - 1
            self.say(held, 1, keeps, says, 0, ends=ends and is_last)
            if not is_last and held is not None and self.model[held.entry.id].state is State.RUNNING:
                other = WORKERS[number % 2]
                entries = self.run(self.workers[other].take_over, "standard", 0, 100)
                held = self._start(other, [entry for entry in entries if entry.id == held.entry.id])

    def _result_of(self, model: ModelJob, held: Held, report: AttemptReport) -> str:
        """Return the text of the stream `main` as it is behind a report."""
        text = model.streams.text(held.fence)
        for event in report.events:
            if isinstance(event, KeepChunks) and event.stream == "main" and "main" in model.streams.by_name:
                text = "".join(model.streams.by_name["main"].texts[: event.kept])
            elif isinstance(event, StreamChunks) and event.stream == "main":
                text += "".join(msgspec.json.decode(chunk) for chunk in event.chunks)
        return _encode(text).decode()

    def _written(self, model: ModelJob, report: AttemptReport, end: State | None, *, aside: bool) -> None:
        streams, seq = model.streams, model.seq
        for event in report.events:
            if isinstance(event, KeepChunks):
                seq += streams.keep(event.stream, model.fence, event.kept)
            elif isinstance(event, StreamChunks):
                texts = [msgspec.json.decode(chunk) for chunk in event.chunks]
                seq += streams.say(event.stream, model.fence, seq, texts)
        if end is State.SUCCEEDED:
            seq += streams.succeed(model.fence)
        model.seq = seq
        super()._written(model, report, end, aside=aside)

    @rule(job=jobs)
    def come_back(self, job: str) -> None:
        """Have a reader that broke off long ago come back where it was: any server may answer."""
        model = self.model[job]
        token, late = Token(PARTITION, job), model.streams.late
        model.streams.come_back(late, token, self.run(self.gateway.read, token, late.seq))
        assert held_by(late) == model.streams.texts()

    @rule(job=jobs, name=st.sampled_from(STREAMS), first=st.integers(0, 6), back=st.integers(0, 8))
    def read_one_stream(self, job: str, name: str, first: int, back: int) -> None:
        """Read a stream from an index, and from behind an event."""
        model, ask = self.model[job], self.gateway.read_stream
        stream, after = model.streams.by_name.get(name), max(model.seq - back, 0)
        page = self.run(ask, Token(PARTITION, job), name, first, 0, UNBOUNDED_ROOM)
        texts = stream.texts if stream is not None else []
        assert (page.fence, page.count) == (stream.fence if stream is not None else -1, len(texts))
        assert msgspec.json.decode(f"[{page.chunks}]") == texts[first:]
        page = self.run(ask, Token(PARTITION, job), name, -1, after, UNBOUNDED_ROOM)
        assert page.first == (stream.seen(after) if stream is not None else 0)
        assert msgspec.json.decode(f"[{page.chunks}]") == texts[page.first :]

    @invariant()
    def what_a_watcher_shows_is_a_beginning_of_what_one_attempt_said_and_all_of_it_at_the_end(self) -> None:
        self.run(self.settle)
        for model in self.model.values():
            model.streams.check_shown()
            assert held_by(model.streams.live) == model.streams.texts()
            if model.state is State.SUCCEEDED and model.streams.result is not None:
                assert "".join(model.streams.live.chunks.get("main", ())) == model.streams.result
