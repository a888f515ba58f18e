"""How each block of each page is run, and the few that are not, each with its reason.

A way is one of:

- `jobs`: a file of jobs, or the next part of it, that a worker of the page serves; `RUNS` says what is then submitted.
- `tests`: a file of tests, which pytest runs beside the page's jobs.
- `python`: a program; what it prints last is in `PRINTS`, where that is known.
- `shell`: commands for bash; of a transcript the lines after `$`.
- `module`: JavaScript, as a module of a page on the server's origin; what it writes to the console is in `PRINTS`.
- `page`: HTML, likewise.
- `settings`: variables, which a server takes.
- `nginx`, `haproxy`, `prometheus`, `json`: a file of these, read by the program it is for.
- `store`: commands for the store.
- `receiver`: a server that receives webhooks; tests/webhook/sending/test_receivers.py runs it.
- `component`: of a framework; tests/frameworks/test_hooks.py runs it in a browser.
- `django`: of a Django project; tests/django_project runs it where Python is new enough.
- `peer`: code of another queue, which the page replaces; its language reads it, and it is not run.
- `shown`: not run; the reason stands in `SHOWN`.
"""

from typing import Any

HOW = "docs/how-to/"

WAYS = {
    "AGENTS.md": "jobs tests python module",
    "README.md": "shell jobs shell python page jobs module shell",
    "docs/explanation/capacity.md": "shell",
    "docs/explanation/how-it-works.md": "shown shown",
    "docs/explanation/reliability.md": "shell",
    "docs/reference/stores.md": "settings store",
    "docs/tutorial/first-job.md": "shown jobs shell shell shell shown shown shell",
    HOW + "agents.md": "jobs",
    HOW + "authenticate.md": "settings shell shell settings module module",
    HOW + "browser.md": "page jobs page module module module module module module module module shown",
    HOW + "capacity.md": "shell shown shell shell shown shell",
    HOW + "chat.md": "jobs jobs shown shell shown",
    HOW + "circuit-breakers.md": "jobs jobs jobs python shell",
    HOW + "dead-letters.md": "shell shell shell",
    HOW + "deploys.md": "jobs jobs shell tests shell shown",
    HOW + "django.md": "django django django django django django",
    HOW + "durability.md": "store settings",
    HOW + "events.md": "python python shown",
    HOW + "fastapi.md": "python shell module python",
    HOW + "flask.md": "python python",
    HOW + "from-arq.md": "peer jobs python",
    HOW + "from-bullmq.md": "peer jobs module",
    HOW + "from-celery.md": "peer jobs python",
    HOW + "http.md": "jobs shell shell module python",
    HOW + "latency-lab.md": "shell jobs shell shown",
    HOW + "mcp.md": "shown jobs shell python jobs",
    HOW + "measure.md": "shell shell shell shell shell shell shell shell shell shell",
    HOW + "metrics.md": "prometheus prometheus",
    HOW + "mount.md": "python python python",
    HOW + "production.md": "shell store shell settings",
    HOW + "proxy.md": "nginx haproxy shell",
    HOW + "python.md": "python python python python python python python",
    HOW + "react.md": "component component",
    HOW + "recurring.md": "jobs",
    HOW + "resources.md": "jobs tests",
    HOW + "sagas.md": "jobs jobs jobs python tests jobs shown",
    HOW + "spread-a-queue.md": "shell",
    HOW + "stream.md": "jobs jobs jobs jobs python shell",
    HOW + "systemd.md": "settings",
    HOW + "test-jobs.md": "jobs tests tests tests",
    HOW + "tiers-and-limits.md": "jobs shell jobs jobs",
    HOW + "receive-webhooks.md": "receiver receiver receiver",
    HOW + "svelte.md": "component component",
    HOW + "top.md": "shell shown",
    HOW + "traces.md": "json shown shell",
    HOW + "typed-clients.md": "jobs python shell shown",
    HOW + "vue.md": "component component",
    HOW + "webhooks.md": "shell shell python jobs shell",
    "examples/browser/README.md": "shell",
    "examples/chat/README.md": "shown",
    "examples/demo/README.md": "shell shown",
    "examples/django/README.md": "django",
    "examples/fastapi/README.md": "shown",
}
"""Page → the ways of its blocks, in order."""

SHOWN = {
    HOW + "deploys.md#5": "compares with a revision; tests/versions/test_schema_check.py runs these commands",
    "docs/explanation/how-it-works.md#0": "a drawing",
    "docs/explanation/how-it-works.md#1": "a drawing",
    "docs/tutorial/first-job.md#0": "installs from the package registry; tests/packaging installs the wheel",
    "docs/tutorial/first-job.md#5": "what the command before it prints; tests/cli/test_dev.py compares it",
    "docs/tutorial/first-job.md#6": "kills a process; tests/cli/test_supervision.py does so, and sees the job's end",
    HOW + "chat.md#2": "lines of a component; tests/ai/page.jsx has them",
    HOW + "chat.md#4": "lines of a component; tests/ai/page.jsx has them",
    HOW + "browser.md#11": "one line of a component; tests/browser/test_examples.py runs the hook in one",
    HOW + "capacity.md#1": "what the command prints; the numbers are the machine's",
    HOW + "capacity.md#4": "what the command prints; the numbers are the machine's",
    HOW + "events.md#2": "streams for ever; tests/groups/test_feed.py reads such a feed",
    HOW + "latency-lab.md#3": "what the lab prints; tests/lab compares its words",
    HOW + "mcp.md#0": "installs from the package registry; tests/packaging installs the wheel",
    HOW + "sagas.md#6": "what `tidings show` prints; tests/cli/test_saga.py compares it",
    HOW + "top.md#1": "what the command prints; tests/cli/top compares it",
    HOW + "typed-clients.md#3": "TypeScript; tests/typed compiles the like",
    HOW + "traces.md#1": "a drawing of spans; tests/trace compares them",
    "examples/chat/README.md#0": "runs for ever; tests/ai/test_chat_example.py runs it",
    "examples/fastapi/README.md#0": "runs for ever; tests/frameworks/test_fastapi_example.py runs it",
    "examples/demo/README.md#1": "commands of two terminals at a time; tests/demo/shop/test_orders.py runs these sagas",
}
"""The blocks that are not run."""

JOBS = {
    HOW + "capacity.md": (
        "import time\n\nfrom tidings import job\n\n\n@job\ndef thumbnail(width: int) -> int:\n"
        "    time.sleep(0.002)\n    return width\n"
    ),
    HOW + "dead-letters.md": (
        "from tidings import Reject, job\n\n\n@job\nasync def send_invoice() -> None:\n    raise RuntimeError('no')\n\n"
        "@job\nasync def reject() -> None:\n    raise Reject('no')\n"
    ),
    HOW + "spread-a-queue.md": (
        'from tidings import job\n\n\n@job(queue="orders")\nasync def order(number: int) -> int:\n    return number\n'
    ),
    HOW + "authenticate.md": "from tidings import job\n\n\n@job\nasync def echo(text: str) -> str:\n    return text\n",
    HOW + "browser.md": (
        "from tidings import Context, job\n\n\n@job\nasync def order(ctx: Context, order_id: str) -> str:\n"
        "    return await ctx.step(pack, order_id)\n\n\nasync def pack(order_id: str) -> str:\n    return order_id\n\n"
        "\nfrom collections.abc import AsyncIterator\n\n\n"
        "@job\nasync def answer(question: str) -> AsyncIterator[str]:\n"
        "    for token in f'You asked: {question}':\n        yield token\n\n"
    ),
}
"""The jobs that a page supposes; those of the README stand beside them on pages that use `count_words`."""

COUNTS_WORDS = {
    HOW + "webhooks.md", HOW + "browser.md", HOW + "fastapi.md", HOW + "flask.md", HOW + "mount.md",
    HOW + "python.md",     "examples/browser/README.md",
}  # fmt: skip
"""Pages that use the README's kind."""

ENVIRONMENT = {
    HOW + "authenticate.md": {"TIDINGS_AUTH": "api_key"},
}
"""Settings of the page's server."""

RUNS: dict[str, list[tuple[str, dict[str, Any], Any]]] = {
    "AGENTS.md#0": [("report", {"month": 7, "rows": 20}, {"month": 7, "rows": 20})],
    "README.md#1": [("count_words", {"text": "to be"}, {"words": 2})],
    "README.md#5": [("answer", {"question": "why?"}, "You asked: why?")],
    HOW + "browser.md#1": [("sales_report", {"year": 2026, "months": 2}, {"year": 2026, "total": 3000})],
    "docs/tutorial/first-job.md#1": [("brew", {"cups": 1}, "1 cups of oolong")],
    HOW + "agents.md#0": [
        (
            "travel_agent",
            {"chat": {"id": "c", "messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "?"}]}]}},
            "It is clear.",
        )
    ],
    HOW + "chat.md#0": [],  # its result has the token; a later block asks it
    HOW + "chat.md#1": [
        (
            "ask_model",
            {"chat": {"id": "c", "messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "?"}]}]}},
            "It depends.",
        )
    ],
    HOW + "circuit-breakers.md#0": [("charge", {"invoice": "i-1"}, "i-1 charged")],
    HOW + "circuit-breakers.md#1": [("ship", {"order": "o-1"}, "label of o-1")],
    HOW + "circuit-breakers.md#2": [("charge", {"invoice": "i-2"}, "i-2 charged"), ("convert", {"euros": 100}, 108.0)],
    HOW + "deploys.md#1": [("deliver", {"order": "o-1"}, "o-1 shipped")],
    HOW + "deploys.md#0": [("charge", {"amount": 1, "currency": "USD"}, "1 USD")],
    HOW + "from-arq.md#1": [("fetch_price", {"item": "cup"}, 3)],
    HOW + "from-bullmq.md#1": [("sales", {"rows": 300}, {"rows": 300})],
    HOW + "from-celery.md#1": [("sales_report", {"month": "7", "rows": 300}, {"month": 7, "rows": 300})],
    HOW + "http.md#0": [("echo", {"text": "hi"}, "hi")],
    HOW + "latency-lab.md#1": [("resize", {"pictures": 1}, "1 pictures")],
    HOW + "mcp.md#1": [("count_words", {"text": "to be"}, {"words": 2})],
    HOW + "mcp.md#4": [],  # it waits for a signal; tests/tools/test_tasks.py answers the like
    HOW + "recurring.md#0": [("refresh", {}, None)],
    HOW + "resources.md#0": [("price", {"item": "tea"}, 3)],
    HOW + "sagas.md#0": [
        (
            "order",
            {"order_id": "o-1", "item": "teapot", "amount": 10},
            {"paid": {"charged": 10}, "parcel": "parcel for the hold of a teapot"},
        )
    ],
    HOW + "sagas.md#1": [("post", {"parcel": "p"}, "p, in three days")],
    HOW + "sagas.md#2": [
        ("book_trip", {"traveller": "ada", "city": "Rome"}, ["flight to Rome", "room in Rome", "car in Rome"])
    ],
    HOW + "sagas.md#5": [("pay", {"amount": 3}, 3)],
    HOW + "stream.md#0": [("answer", {"question": "you"}, "It depends on you")],
    HOW + "stream.md#1": [("answer_with_usage", {"question": "you"}, {"words": 4})],
    HOW + "stream.md#2": [("think_and_answer", {"question": "you"}, "It depends.")],
    HOW + "stream.md#3": [("continue_answer", {"question": "you"}, "It depends on you")],
    HOW + "test-jobs.md#0": [("greet", {"user": "ada"}, "greeted ada")],
    HOW + "typed-clients.md#0": [
        ("price", {"item": "tea", "amount": 2}, 5.0),
        ("offer", {"items": ["tea"]}, {"tea": 2.5}),
    ],
    HOW + "webhooks.md#3": [("invoice", {"number": 1}, "invoice 1")],
    HOW + "tiers-and-limits.md#0": [
        ("lookup", {"carrier": "AA"}, "AA"),
        ("report", {"rows": 20_000}, "20000 rows"),
        ("convert", {"document": "d"}, "D"),
    ],
    HOW + "tiers-and-limits.md#2": [("export", {"tenant": "a"}, "all of a"), ("call_partner", {"number": 1}, 1)],
    HOW + "tiers-and-limits.md#3": [
        ("exact_report", {"rows": 1}, "1 rows, exactly"),
        ("dear_report", {"rows": 1}, "1 rows, in colour"),
        ("cheap_report", {"rows": 1}, "about 1 rows"),
        ("newsletter", {"number": 1}, 1),
    ],
}
"""Block → kind, input and result of the jobs that are then submitted."""

PRINTS = {
    HOW + "webhooks.md#2": "{'words': 2}",
    "AGENTS.md#2": "{'month': 7, 'rows': 100}",
    "AGENTS.md#3": "{month: 7, rows: 100}",
    "README.md#3": "{'words': 6}",
    "README.md#4": "{words: 6}",
    "README.md#6": "You asked: to be?",
    HOW + "authenticate.md#4": "authenticated",
    HOW + "authenticate.md#5": "hi",
    HOW + "browser.md#0": "{words: 6}",
    HOW + "browser.md#2": "the report is there: 78000",
    HOW + "browser.md#3": "open websocket",
    HOW + "browser.md#4": "{words: 2}",
    HOW + "browser.md#5": "true",
    HOW + "browser.md#6": "{words: 2}",
    HOW + "browser.md#7": "{words: 2}",
    HOW + "browser.md#8": "{words: 2}",
    HOW + "browser.md#9": "o-1",
    HOW + "browser.md#10": "{words: 2}",
    HOW + "fastapi.md#2": "{words: 2}",
    HOW + "from-arq.md#2": "6",
    HOW + "from-bullmq.md#2": "{rows: 500}",
    HOW + "from-celery.md#2": "{'month': 7, 'rows': 500}",
    HOW + "http.md#3": "hi",
    HOW + "http.md#4": "hi",
    HOW + "mcp.md#3": "{'words': 6}",
    HOW + "sagas.md#3": "rejected complete step 3 (rent_car) failed: no cars in Venice",
    HOW + "python.md#0": "{'words': 6}",
    HOW + "python.md#2": "{'words': 6}",
    HOW + "python.md#4": "{'words': 2}",
    HOW + "typed-clients.md#1": "5.0 {'tea': 2.5, 'milk': 2.5}",
}
"""What a program prints last, or a page writes to its console at some time."""

INSTEAD = {
    HOW + "durability.md": {"appendonly ": "CONFIG SET appendonly ", "appendfsync ": "CONFIG SET appendfsync "},
    HOW + "sagas.md": {"ctx.sleep(days=1)": "ctx.sleep(seconds=1.5)"},
    HOW + "fastapi.md": {"redis://127.0.0.1:6379/0": "STORE"},
    HOW + "mount.md": {"redis://127.0.0.1:6379/0": "STORE"},
    HOW + "http.md": {"wait=30'": "wait=1'"},
}
"""What would take too long here, or names the reader's own store, and what stands for it."""

FILES = {
    "day.jsonl": '{"width": 100}\n{"width": 200}\n',
    "shop/__init__.py": "",
    "shop/jobs.py": "from tidings import job\n\n\n@job\nasync def sell() -> None:\n    pass\n",
}
"""What commands of the pages name and a reader has."""
