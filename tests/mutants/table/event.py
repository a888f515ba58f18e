"""What followers of a job are told, and the documents that say what they are told."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import HUB, PUSH

MUTANTS = (
    Mutant(
        "A hole in the numbers of a job's events is passed over.",
        python("Hub._take").cut("seq > topic.seq + 1 or"),
        (HUB,),
    ),
    Mutant(
        "What follows the frames that were dropped for a slow reader is sent all the same.",
        python("Session.event").always("self.close_code is None"),
        ("tests/session/test_session.py", "tests/hostile/test_socket.py"),
    ),
    Mutant(
        "Of what waits for a slow reader, an event is dropped that is not progress.",
        python("SendBuffer.put_event").swap("== EventClass.PROGRESS", "<= EventClass.LOG"),
        ("tests/session/test_outbox.py",),
    ),
    Mutant(
        "An inbox that was deaf does not ask what it missed.",
        python("Hub.reopened").drop("self._repair(topic)"),
        (HUB,),
    ),
    Mutant(
        "A gateway that hears nothing believes that it hears.",
        python("EchoProbe.deaf").swap(">= MISSES", "< 0"),
        (f"{PUSH}test_inbox.py", "tests/broker/test_probe.py"),
    ),
    Mutant(
        "A subscription on which nothing comes is kept.",
        python("EchoProbe.dead").swap(">= MISSES", "< 0"),
        ("tests/broker/test_probe.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "A store that takes no probes has its connections opened anew.",
        python("EchoProbe.interval").swap("elif taken:", "else:"),
        ("tests/broker/test_probe.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "A subscription that was opened anew asks nobody to look at what it missed.",
        python("Subscription._echo").drop("self._on_open()"),
        (f"{PUSH}test_inbox.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "An event too large to publish is published without its frame, and nobody fetches it.",
        python("Hub._take").cut("or not text"),
        (HUB, f"{PUSH}test_completeness.py"),
    ),
    Mutant(
        "A large outcome reaches those who watch as a snapshot, a small one as an event.",
        python("Hub._send_missed").swap("missed_events(str(topic.token), record, seen)", "None"),
        (HUB, f"{PUSH}test_large_outcomes.py"),
    ),
    Mutant(
        "A large outcome that overtakes the answer to its submit is told to no one.",
        python("Hub._repaired").never("unborn and all"),
        (HUB,),
    ),
    Mutant(
        "A socket that watches a job after its end is told no event of the end.",
        python("SocketConnection.tell_snapshot").never("after != int(record.seq)"),
        (f"{PUSH}test_large_outcomes.py",),
    ),
    Mutant(
        "Two large answers to one socket wait at a time, which breaks the bound of what may wait.",
        python("SendBuffer._caught_up").swap("self.when_read(call)", "call()"),
        ("tests/session/test_outbox.py",),
    ),
    Mutant(
        "The documents for programs tell no meaning of a field.",
        python("field_descriptions:describe").swap("if text:", "if False:"),
        ("tests/server/test_document.py",),
    ),
    Mutant(
        "The document for programs gives a client's fields defaults, which generators take for fields to be given.",
        python("field_descriptions:describe").never("left_out and"),
        ("tests/server/test_document.py",),
    ),
    Mutant(
        "One script may publish to a gateway as much as it likes.",
        lua("tell").swap("box.sent + #frame <= SCRIPT_CAP", "true"),
        (HUB,),
    ),
    Mutant(
        "A socket that resumes is told the log from the beginning.",
        python("Hub.watch").swap("listener.token, after, room", "listener.token, 0, room"),
        (f"{PUSH}test_completeness.py",),
    ),
    Mutant(
        "An event that was told is told again.",
        python("JobListener.offer").swap("elif seq > self.seq", "elif seq >= 0"),
        (HUB,),
    ),
)
