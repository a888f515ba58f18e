import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from bench.budget.budget import Budget, page, store_parts
from bench.budget.count import Command, calls_of, commands_of
from bench.budget.part import LOOP, RULES, SERVER, WORKER, Function, Rule, part_of, shares, sort_samples, stack_of

ROOT = Path(__file__).parents[3]
FOLDERS = {"tidings_server/": "server", "tidings_worker/": "worker", "tidings/": "core", "bench/": "."}

RUN = "run (/x/tidings_server/run.py:9);Runner.run (/x/asyncio/runners.py:118)"
GATHER = "Batcher.run (/x/tidings/store/redis/batcher.py:71);Batcher._send (/x/tidings/store/redis/batcher.py:83)"
REDIS = "Script.__call__ (/x/tidings/store/redis/script.py:57);Redis.execute_command (/x/redis/asyncio/client.py:946)"
TAKE = "Consumer._take_alone (/x/tidings_worker/queue/consumer.py:38)"
START = "JobStarter.start (/x/tidings_worker/queue/job_starter.py:9)"
PROGRESS = "Context.progress (/tidings/context/context.py:9);fraction (/tidings/schema/codec.py:7)"
WRITE = "DirectTransport._write (/x/tidings_server/websocket/direct_transport.py:112)"
NATIVE_WRITE = "UVStream__try_write (/project/uvloop/loop.c:9);write (/usr/lib/libc.so.6)"


def test_a_stack_is_read_as_it_is_written() -> None:
    assert stack_of("<module> (/a b/c.py:1);A.b.<locals>.<listcomp> (d.py:22);gc (libx.so.1.0);0x7f") == [
        Function("<module>", "/a b/c.py"),
        Function("A.b.<locals>.<listcomp>", "d.py"),
        Function("gc", "libx.so.1.0"),
        Function("0x7f", ""),
    ]


@pytest.mark.parametrize(
    ("rules", "stack", "part"),
    [
        (SERVER, RUN, LOOP),
        (SERVER, f"{RUN};{GATHER}", "gather"),
        (SERVER, f"{RUN};{GATHER};{REDIS}", "store call"),
        (SERVER, f"{RUN};{WRITE}", "write"),
        (SERVER, f"{RUN};{WRITE};{NATIVE_WRITE}", "write"),
        (SERVER, f"{RUN};AbstractConnection.send (/x/redis/asyncio/connection.py:9);{NATIVE_WRITE}", "store call"),
        (SERVER, f"{RUN};{WRITE};EncodedFrame.wire (/x/tidings_server/watch/encoded_frame.py:40)", "encode"),
        (SERVER, f"{RUN};{GATHER};gc_collect_main (libpython3.11.so.1.0)", "garbage collection"),
        (SERVER, f"{RUN};uv__io_poll (linux.c:1);uv__read (stream.c:1);read (/lib/libc.so.6)", "read"),
        (SERVER, f"{RUN};Hub.receive (/x/tidings_server/watch/hub.py:155)", "inbox decode"),
        (
            SERVER,
            f"{RUN};Hub.receive (/x/tidings_server/watch/hub.py:158);Hub._take (/x/tidings_server/watch/hub.py:178)",
            "hub",
        ),
        (WORKER, f"{TAKE};{REDIS}", "claim"),
        (WORKER, f"{TAKE};{START};{REDIS}", "start"),
        (WORKER, f"{GATHER};AttemptStore._send_reports (/x/tidings/store/attempt_store.py:293);{REDIS}", "report"),
        (WORKER, REDIS, "store call"),
        (WORKER, f"three_steps (/bench/jobs.py:2);{PROGRESS}", "progress"),
    ],
)
def test_a_stack_belongs_to_its_innermost_known_function(rules: tuple[Rule, ...], stack: str, part: str) -> None:
    assert part_of(stack_of(stack), rules) == part


def test_samples_are_counted_by_part_and_those_in_the_c_library_by_function_too() -> None:
    waits = f"{RUN};uv__io_poll (linux.c:1);epoll_pwait (/lib/libc.so.6) 90"
    found = sort_samples(f"{RUN};{WRITE};{NATIVE_WRITE} 5\n{RUN};{WRITE} 2\n{RUN} 3\n{waits}\n", SERVER)
    assert found.parts == {"write": 7, LOOP: 3}
    assert found.calls == {"write": 5}
    assert found.total == 10


def test_time_is_shared_out_by_samples_and_adds_up() -> None:
    counts = Counter({"a": 1, "b": 3})
    assert shares(counts, 4, 100.0) == {"b": 75.0, "a": 25.0}
    assert list(shares(counts, 4, 100.0)) == ["b", "a"]
    assert shares(Counter(), 0, 100.0) == {}


def _qualified(body: list[ast.stmt], before: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield before + node.name
            yield from _qualified(node.body, f"{before}{node.name}.")


@pytest.mark.parametrize(
    "rule",
    sorted({rule for rules in RULES.values() for rule in rules if rule.path.startswith(tuple(FOLDERS))}),
)
def test_every_rule_for_our_own_code_knows_some_of_it(rule: Rule) -> None:
    folder = next(place for start, place in FOLDERS.items() if rule.path.startswith(start))
    path = ROOT / folder / rule.path
    files = [path] if path.is_file() else list(path.glob("*.py"))
    names = [name for file in files for name in _qualified(ast.parse(file.read_text()).body)]
    assert any(name.startswith(rule.name) for name in names)


def test_no_rule_is_hidden_behind_an_earlier_one() -> None:
    for rules in RULES.values():
        for number, rule in enumerate(rules):
            assert not any(earlier.knows(Function(rule.name, rule.path)) for earlier in rules[:number]), rule


def test_system_calls_are_read_from_perf_and_those_it_could_not_count_left_out() -> None:
    said = (
        "# started\n\n12,,syscalls:sys_enter_read,100,100.00,,\n<not supported>,,syscalls:sys_enter_futex,0,0,,\n"
        "0,,syscalls:sys_enter_writev,100,100.00,,\n345,,raw_syscalls:sys_enter,100,100.00,,\n"
    )
    assert list(calls_of(said).items()) == [("all", 345), ("read", 12)]


def test_commands_are_read_from_the_store_the_most_expensive_first_and_our_own_question_left_out() -> None:
    stats = {
        "cmdstat_hset": {"calls": 8, "usec": 5},
        "cmdstat_evalsha": {"calls": 2, "usec": 9},
        "cmdstat_info": {"calls": 1, "usec": 99},
        "cmdstat_config|resetstat": {"calls": 1, "usec": 99},
    }
    assert list(commands_of(stats).items()) == [("evalsha", Command(2, 9)), ("hset", Command(8, 5))]


def test_the_stores_parts_add_up_to_its_time_and_count_no_command_within_a_script_twice() -> None:
    commands = {"evalsha": Command(0.1, 60.0), "hset": Command(8, 5.0), "xreadgroup": Command(0.1, 3.0)}
    assert store_parts(commands, 100.0) == {
        "evalsha": 60.0,
        "xreadgroup": 3.0,
        "sockets, protocol, append-only file": 37.0,
    }


BUDGET = Budget(
    scenario="closed_loop",
    jobs_per_s=3_000.0,
    machine={},
    native=True,
    samples={"server": 100},
    cpu_us={"server": {"write": 30.0, "hub": 10.0}},
    calls_us={"server": {"write": 25.0}},
    commands={"evalsha": (0.1, 60.0), "xinfo|groups": (0.01, 0.1), "set": (0.0001, 0.1)},
    counts={"script calls": 0.1},
)


def rows(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def test_the_page_shows_each_part_and_their_sum_but_no_command_that_hardly_any_job_has() -> None:
    found = rows(page(BUDGET))
    assert ["write", "30"] in found
    assert ["**all**", "40"] in found
    assert ["xinfo\\|groups", "0.01"] in found
    assert not any(row[0] == "set" for row in found)
    assert {len(row) for row in found} == {2}


def test_beside_an_earlier_one_every_part_of_either_is_shown_with_the_difference() -> None:
    earlier = msgspec.structs.replace(BUDGET, cpu_us={"server": {"write": 50.0, "decode": 5.0}})
    found = rows(page(BUDGET, earlier))
    assert ["write", "30", "50", "-20"] in found
    assert ["hub", "10", "0", "+10"] in found
    assert ["decode", "0", "5", "-5"] in found
    assert ["**all**", "40", "55", "-15"] in found
    assert {len(row) for row in found} == {4}


def test_a_budget_is_read_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(BUDGET), type=Budget) == BUDGET
