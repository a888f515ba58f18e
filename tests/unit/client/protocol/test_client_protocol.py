"""The ledger beside a model server: whatever breaks, each job is told whole, once and in order."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from client.model import LIMITS, Frame, ModelServer
from tidings.client.protocol.client_protocol import ClientProtocol
from tidings.client.protocol.job_event import Event
from tidings.client.protocol.tracked_job import JobCommand, TrackedJob
from tidings.protocol.problems import problem
from unit.client.protocol.ledger import TOKEN, again, event, feed, snapshot, taken, wire


class World:
    """A ledger and a model server, with the wire between them, and all that the ledger has told."""

    def __init__(self, scripts: list[list[str]]) -> None:
        self.server = ModelServer({f"k{n}": script for n, script in enumerate(scripts)})
        self.ledger = ClientProtocol()
        self.tracks = [
            self.ledger.submit({"kind": "k", "input": {}, "key": f"k{n}"}) for n in range(len(scripts))
        ]  # fmt: skip
        self.orders: list[JobCommand] = []
        self.take_answered_commands: list[JobCommand] = []
        self.seen: dict[TrackedJob, list[Any]] = {}
        self.wire: list[Frame] = []
        self.unanswered = 0
        """Submits that were sent on the present socket and have no answer."""
        self.ledger.connected(LIMITS)
        self.listen()

    def move(self, name: str, choose: Callable[[int], int]) -> None:
        match name:
            case "deliver" if self.wire:
                self.deliver()
            case "lose" if self.wire:  # the server did it, and the answer was lost with the socket
                self.server.answer(self.wire.pop(0))
                self.break_()
            case "break":
                self.break_()
            case "step" if self.server.jobs:
                tokens = sorted(self.server.jobs)
                self.step(tokens[choose(len(tokens))])
            case "cancel" | "watch" | "signal":
                known = [track for track in self.tracks if track.token is not None]
                if known:
                    self.ask(name, known[choose(len(known))])
        self.listen()

    def ask(self, name: str, track: TrackedJob) -> None:
        assert track.token is not None
        match name:
            case "cancel":
                self.orders.append(self.ledger.cancel(track))
            case "signal":
                number = len(self.orders)
                self.orders.append(self.ledger.signal(track, "go", str(number).encode(), f"s{number}"))
            case "watch":
                self.tracks.append(self.ledger.watch(track.token, 0))

    def deliver(self) -> None:
        frame = self.wire.pop(0)
        for answer in self.server.answer(frame):
            self.unanswered -= answer["type"] == "ack"
            feed(self.ledger, answer)
            self.listen()

    def step(self, token: str) -> None:
        event = self.server.step(token)
        if event is not None:
            feed(self.ledger, event)

    def break_(self) -> None:
        self.server.broke()
        self.ledger.disconnected()
        assert not taken(self.ledger)
        self.wire, self.unanswered = [], 0
        self.ledger.connected(LIMITS)

    def listen(self) -> None:
        sent = taken(self.ledger)
        self.wire += sent
        self.unanswered += sum(frame["type"] == "submit" for frame in sent)
        assert self.unanswered <= LIMITS.max_in_flight
        for track in self.ledger.take_updated_jobs():
            self.seen.setdefault(track, []).extend(track.news)
            track.news = []
            if not track.awaits_snapshot:
                self.check_state(track)
        self.take_answered_commands += self.ledger.take_answered_commands()

    def check_state(self, track: TrackedJob) -> None:
        """See that whoever follows the events knows the state that the job had at the last number."""
        told = [
            one.status for one in self.seen[track] if isinstance(one, Event) and one.name not in ("log", "progress")
        ]
        assert track.token is not None
        assert (told[-1] if told else "queued") == self.server.status(track.token, track.seq)

    def finish(self) -> None:
        """Let everything come to its end on a socket that holds."""
        self.break_()
        self.listen()
        while self.wire:
            self.move("deliver", lambda _: 0)
        for token in self.server.jobs:
            while not self.server.ended(token):
                self.step(token)
        self.listen()


scripts = st.lists(st.lists(st.sampled_from(["log", "progress", "retry"]), max_size=8), min_size=1, max_size=4)
moves = st.lists(
    st.sampled_from(["deliver", "deliver", "lose", "step", "step", "break", "cancel", "watch", "signal"]), max_size=80
)


@given(scripts, moves, st.data())
def test_every_job_is_told_whole_once_and_in_order(scripts: list[list[str]], moves: list[str], data: Any) -> None:
    world = World(scripts)
    for move in moves:
        world.move(move, lambda most: data.draw(st.integers(0, most - 1)))
    world.finish()
    assert len(world.server.jobs) == len(scripts)  # one submit for each key, however often it was sent
    for track in world.tracks:
        assert track.ended
        assert track.token is not None
        check_story(world.server.jobs[track.token], world.seen[track])
    assert set(world.take_answered_commands) == set(world.orders)
    signals = [order for order in world.orders if order.frame["type"] == "signal"]
    taken_up = [(one.frame["token"], one.frame["key"]) for one in signals if one.problem is None]
    assert set(taken_up) == set(world.server.signals)
    assert not world.ledger.resuming


def check_story(story: list[Frame], news: list[Any]) -> None:
    events = [one for one in news if isinstance(one, Event)]
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))
    chunks = [(event.seq, event.data) for event in events if event.name == "log"]
    assert chunks == [(n, event["data"]) for n, event in enumerate(story, start=2) if event["event"] == "log"]
    assert [event.name for event in events if event.final] == [story[-1]["event"]]
    assert (events[-1].name, events[-1].data) == (story[-1]["event"], story[-1]["data"])


def test_submits_beyond_what_may_be_in_flight_wait_for_an_ack_and_keep_their_order() -> None:
    ledger = ClientProtocol()
    for n in range(5):
        ledger.submit({"kind": "k", "input": {}, "key": f"k{n}"})
    ledger.connected(LIMITS)
    first = taken(ledger)
    assert [frame["key"] for frame in first] == ["k0", "k1"]
    feed(ledger, {"type": "ack", "ref": first[0]["ref"], "token": TOKEN, "status": "queued", "seq": 1})
    feed(ledger, {"type": "error", "ref": first[1]["ref"], "problem": wire(problem("backlog_full", "full"))})
    assert [frame["key"] for frame in taken(ledger)] == ["k2", "k3"]


def test_two_who_follow_one_job_are_asked_for_once_from_the_lowest_number_and_both_hear_it() -> None:
    ledger = ClientProtocol()
    tracks = [ledger.watch(TOKEN, 7), ledger.watch(TOKEN, 3)]
    ledger.connected(LIMITS)
    (frame,) = taken(ledger)
    assert (frame["type"], frame["after"]) == ("watch", 3)
    feed(ledger, snapshot(ref=frame["ref"], seq=8, log=[{"seq": n, "at": "", "data": n} for n in range(4, 9)]))
    feed(ledger, event(9, "cancelled"))
    assert ledger.take_updated_jobs() == tracks
    told = [[one.seq for one in track.news if isinstance(one, Event)] for track in tracks]
    assert told == [[8, 9], [4, 5, 6, 7, 8, 9]]
    assert all(track.ended for track in tracks)


def test_one_who_follows_from_an_earlier_number_waits_for_the_answer_to_its_own_question() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    ledger.watch(TOKEN, 7)
    early = ledger.watch(TOKEN, 3)
    first, second = (frame["ref"] for frame in taken(ledger))
    feed(ledger, snapshot(ref=first, seq=9, log=[{"seq": 8, "at": "", "data": 8}]))
    assert early.news == []
    feed(ledger, snapshot(ref=second, seq=9, log=[{"seq": n, "at": "", "data": n} for n in (4, 8)]))
    assert [one.seq for one in early.news if isinstance(one, Event) and one.name == "log"] == [4, 8]


def test_a_job_that_had_ended_at_the_number_given_ends() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    track = ledger.watch(TOKEN, 9)
    (frame,) = taken(ledger)
    feed(ledger, snapshot(ref=frame["ref"], seq=9, status="succeeded", result=1))
    assert track.ended
    assert [one.data for one in track.news if isinstance(one, Event)] == [{"result": 1}]


def test_after_lost_writes_events_go_on_from_what_the_store_still_knows() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    track = ledger.watch(TOKEN, 9)
    (frame,) = taken(ledger)
    feed(ledger, snapshot(ref=frame["ref"], seq=5, rewound=True))
    feed(ledger, event(6, "log"))
    feed(ledger, event(7, "succeeded"))
    assert [one.seq for one in track.news if isinstance(one, Event)][-2:] == [6, 7]


def test_an_event_that_is_not_above_the_last_seen_is_dropped() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    track = ledger.watch(TOKEN, 0)
    (frame,) = taken(ledger)
    feed(ledger, snapshot(ref=frame["ref"], seq=5))
    for seq in (5, 6, 6, 4):
        feed(ledger, event(seq, "log"))
    assert [one.seq for one in track.news if isinstance(one, Event) and one.name == "log"] == [6]


def test_a_cancel_is_asked_until_it_is_answered_and_having_done_it_before_is_no_problem() -> None:
    ledger = ClientProtocol()
    track = ledger.watch(TOKEN, 0)
    cancel = ledger.cancel(track)
    ledger.connected(LIMITS)
    assert [frame["type"] for frame in taken(ledger)] == ["watch", "cancel"]
    _, frame = taken(again(ledger))
    finished = wire(problem("already_finished", "it has ended"))
    feed(ledger, {"type": "error", "ref": frame["ref"], "problem": finished})
    assert ledger.take_answered_commands() == [cancel]
    assert cancel.problem is None
    late = ledger.cancel(track)
    (frame,) = taken(ledger)
    feed(ledger, {"type": "error", "ref": frame["ref"], "problem": finished})
    assert ledger.take_answered_commands() == [late]
    assert late.problem is not None
    assert [frame["type"] for frame in taken(again(ledger))] == ["watch"]


def test_a_signal_is_given_until_it_is_answered_and_a_refusal_of_it_is_told() -> None:
    ledger = ClientProtocol()
    track = ledger.watch(TOKEN, 0)
    signal = ledger.signal(track, "approved", b'{"by":"ann"}', "k")
    ledger.connected(LIMITS)
    _, frame = taken(ledger)
    del frame["ref"]
    assert frame == {"type": "signal", "token": TOKEN, "name": "approved", "input": {"by": "ann"}, "key": "k"}
    _, frame = taken(again(ledger))
    feed(ledger, {"type": "error", "ref": frame["ref"], "problem": wire(problem("already_finished", "over"))})
    assert ledger.take_answered_commands() == [signal]
    assert signal.problem is not None
    assert [frame["type"] for frame in taken(again(ledger))] == ["watch"]


def test_a_submit_that_was_forgotten_is_not_sent_and_if_it_was_its_job_is_not_watched() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    tracks = [ledger.submit({"kind": "k", "input": {}, "key": f"k{n}"}) for n in range(4)]
    first, second = taken(ledger)
    ledger.forget(tracks[0])
    ledger.forget(tracks[2])
    assert taken(ledger) == []  # the server still counts it
    feed(ledger, {"type": "ack", "ref": first["ref"], "token": TOKEN, "status": "queued", "seq": 1})
    sent = taken(ledger)
    assert [(frame["type"], frame.get("key")) for frame in sent] == [("unwatch", None), ("submit", "k3")]
    assert ledger.take_updated_jobs() == []
    assert [frame["key"] for frame in taken(again(ledger))] == ["k1", "k3"]
    assert second["key"] == "k1"


def test_a_submit_that_is_not_followed_is_answered_and_never_watched() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    track = ledger.submit({"kind": "k", "input": {}, "key": "k", "watch": False})
    (frame,) = taken(ledger)
    assert frame["watch"] is False
    feed(ledger, {"type": "ack", "ref": frame["ref"], "token": TOKEN, "status": "queued", "seq": 1})
    assert ledger.take_updated_jobs() == [track]
    assert (track.token, track.ended) == (TOKEN, True)
    feed(ledger, event(2, "succeeded"))
    assert len(track.news) == 1
    assert taken(again(ledger)) == []


def test_an_earlier_job_that_is_not_followed_may_be_told_and_nothing_comes_of_it() -> None:
    ledger = ClientProtocol()
    ledger.connected(LIMITS)
    for answer in ({"type": "error", "problem": wire(problem("forbidden", "no"))}, snapshot(0, 3)):
        track = ledger.submit({"kind": "k", "input": {}, "key": "k", "watch": False})
        (frame,) = taken(ledger)
        ack = {"type": "ack", "ref": frame["ref"], "token": TOKEN, "status": "queued", "seq": 1, "duplicate": True}
        feed(ledger, ack)
        feed(ledger, answer | {"ref": frame["ref"]})
        assert (track.token, len(track.news)) == (TOKEN, 1)
    assert taken(again(ledger)) == []
