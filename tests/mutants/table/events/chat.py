"""Chats: what a page has of a message, and what ends it."""

from mutants.change import javascript, python
from mutants.mutant import Mutant

AGENTS = "tests/unit/ai/test_agent_runs.py"
REPLAY = "tests/unit/server/chat/test_message_replay.py"
CARD = "tests/browser/test_chat_card.py"
CHATS, ACCESS, PARTS = "tests/ai/test_chats.py", "tests/ai/test_access.py", "tests/ai/test_parts.py"

MUTANTS = (
    Mutant(
        "A page keeps what a later attempt has made void of a message.",
        python("MessageReplay._compare").drop("parts.append(RESET_STEP)"),
        (REPLAY,),
    ),
    Mutant(
        "A page keeps an earlier step of a message that a later attempt has written otherwise.",
        python("MessageReplay._compare").swap("compared.digest() == self._step_digest", "True"),
        (REPLAY,),
    ),
    Mutant(
        "A page that reloads in the middle of a message which goes on with an earlier one lacks the earlier parts.",
        python("MessageReplay._is_held").swap("piece.last and self._start", "False"),
        (REPLAY,),
    ),
    Mutant(
        "A page that reloads calls a tool of its own again whose outcome it has.",
        python("_tool").swap('ended or state == "input-streaming"', 'state == "input-streaming"'),
        ("tests/unit/ai/test_message_prefix.py",),
    ),
    Mutant(
        "An agent whose handler runs again says again what it has said.",
        python("AgentWriter._send").swap("self._matched is None or not self._matched.match([taken])", "True"),
        (AGENTS,),
    ),
    Mutant(
        "An agent whose model broke off keeps what the broken try has said.",
        python("AgentWriter._model_step").swap("self._stream.go_back(mark)", "pass"),
        (AGENTS,),
    ),
    Mutant(
        "An agent loses what a call of its model said when its handler runs again.",
        python("AgentWriter._say_again").swap("await self._send(in_pieces(recorded.parts))", "pass"),
        (AGENTS,),
    ),
    Mutant(
        "A message that is not whole ends as one that is.",
        python("ChatStream._write_all").swap(
            "if self.complete and not self.too_slow and not self.send_buffer", "if True"
        ),
        (ACCESS,),
    ),
    Mutant(
        "A stop of a chat cancels nothing.",
        python("ChatEndpoints.stop").drop("await self._cancel(job.token, identity, address_of(request.scope))"),
        (CHATS,),
    ),
    Mutant(
        "A tool that was not offered is called.",
        python("ReplyReader._end_call").never("self._tools is not None and"),
        ("tests/unit/ai/models/test_model_streams.py",),
    ),
    Mutant(
        "A message of which a later part is about a tool's call takes it for another one.",
        python("AssembledMessage._found").never('found.get("toolCallId") == part["toolCallId"]'),
        (PARTS,),
    ),
    Mutant(
        "The demo's card keeps what a later attempt has made void of an answer.",
        javascript("addPart").swap('parts.findLastIndex(({ type }) => type === "step-start") + 1', "parts.length"),
        (f"{CARD}::test_a_model_that_refuses_or_breaks_off_once_costs_no_byte",),
    ),
    Mutant(
        "The demo's card forgets after a reload that the user has answered a question.",
        javascript("awaitsAnswer").swap('last.parts.some(({ state }) => state === "approval-responded")', "false"),
        (f"{CARD}::test_a_tool_waits_for_the_user_across_a_reload",),
    ),
)
