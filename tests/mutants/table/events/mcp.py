"""The Model Context Protocol: who gets a task, who reads it, and what becomes of a call for which no client waits."""

from mutants.change import python
from mutants.mutant import Mutant

REFUSALS, TASKS, LEAVING = "tests/tools/test_refusals.py", "tests/tools/test_tasks.py", "tests/tools/test_leaving.py"

MUTANTS = (
    Mutant(
        "A client that does not declare tasks reads one.",
        python("require_tasks").never("not client.declares(TASKS)"),
        (REFUSALS,),
    ),
    Mutant(
        "A header may name another task than the request.",
        python("require_named").never("decode_header_value(client.headers.get(MCP_NAME_HEADER)) != task"),
        (REFUSALS,),
    ),
    Mutant(
        "The job of a client that has left goes on.",
        python("ToolCalls._result").drop("await self._cancel(client, listener.token)"),
        (LEAVING,),
    ),
    Mutant(
        "An answer that does not fit its form is given to the job.",
        python("OpenQuestion.value").never("fault is not None"),
        (TASKS,),
    ),
    Mutant(
        "A task that has ended takes an answer.",
        python("TaskMethods.update").never("is_final(record)"),
        (TASKS,),
    ),
    Mutant(
        "A kind that is no tool can be called.",
        python("ListedTools.__init__").swap("record.mcp", "True"),
        ("tests/tools/test_tools.py",),
    ),
)
