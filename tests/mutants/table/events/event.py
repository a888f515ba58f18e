"""What followers of a job are told, and the documents that say what they are told."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import HUB, HUB_RACES, PUSH

MUTANTS = (
    Mutant(
        "A hole in the numbers of a job's events is passed over.",
        python("Hub._take").cut("seq > topic.seq + 1 or"),
        (HUB,),
    ),
    Mutant(
        "The server sends a slow reader what follows the frames that it dropped.",
        python("Session.event").always("self.close_code is None"),
        ("tests/unit/server/websocket/test_session.py", "tests/hostile/test_socket.py"),
    ),
    Mutant(
        "The server drops an event for a slow reader that is not progress.",
        python("SendBuffer.put_event").swap("== EventClass.PROGRESS", "<= EventClass.LOG"),
        ("tests/session/test_outbox.py",),
    ),
    Mutant(
        "An inbox that was deaf does not ask what it missed.",
        python("Hub.reopened").drop("self._repair(topic, TopicEvent.REOPENED)"),
        (HUB,),
    ),
    Mutant(
        "A server whose inbox is deaf counts itself as hearing.",
        python("EchoProbe.deaf").swap(">= MISSES", "< 0"),
        (f"{PUSH}test_inbox.py", "tests/unit/store/redis/test_echo_probe.py"),
    ),
    Mutant(
        "A process keeps a subscription on which nothing comes.",
        python("EchoProbe.dead").swap(">= MISSES", "< 0"),
        ("tests/unit/store/redis/test_echo_probe.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "A process opens new connections to a store that takes no probes.",
        python("EchoProbe.interval").swap("elif taken:", "else:"),
        ("tests/unit/store/redis/test_echo_probe.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "After a new subscription no part of the process looks for what it missed.",
        python("Subscription._echo").drop("self._on_open()"),
        (f"{PUSH}test_inbox.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "A script publishes a too large event without its frame, and no server fetches it.",
        python("Hub._take").cut("or not text"),
        (HUB, f"{PUSH}test_completeness.py"),
    ),
    Mutant(
        "A large outcome reaches watchers as a snapshot, a small one as an event.",
        python("Hub._send_missed").swap("missed_events(str(topic.token), record, seen)", "None"),
        (HUB, f"{PUSH}test_large_outcomes.py"),
    ),
    Mutant(
        "A large outcome that overtakes the answer to its submit reaches no watcher.",
        python("Hub._repaired").never("unborn and all"),
        (HUB, HUB_RACES),
    ),
    Mutant(
        "A socket that watches a job after its end gets no event of the end.",
        python("SocketJobs.send_snapshot").never("after != record.seq"),
        (f"{PUSH}test_large_outcomes.py",),
    ),
    Mutant(
        "Two large answers to one socket wait at a time, above the bound of its send buffer.",
        python("SendBuffer._caught_up").swap("self.when_read(call)", "call()"),
        ("tests/session/test_outbox.py",),
    ),
    Mutant(
        "The OpenAPI and AsyncAPI documents describe no field.",
        python("field_descriptions:describe").swap("if text:", "if False:"),
        ("tests/unit/server/openapi/test_specification.py",),
    ),
    Mutant(
        "The OpenAPI and AsyncAPI documents give a client's fields defaults, so that generators require them.",
        python("field_descriptions:describe").never("left_out and"),
        ("tests/unit/server/openapi/test_specification.py",),
    ),
    Mutant(
        "One script may publish to a server as much as it likes.",
        lua("put_into").swap("box.sent + size > SCRIPT_CAP", "false"),
        (HUB,),
    ),
    Mutant(
        "A socket that resumes gets the log from the beginning.",
        python("Hub.watch").swap("listener.token, after, room", "listener.token, 0, room"),
        (f"{PUSH}test_completeness.py",),
    ),
    Mutant(
        "The hub passes an event on twice.",
        python("JobListener.offer").swap("elif seq > self.seq", "elif seq >= 0"),
        (HUB, HUB_RACES),
    ),
)
