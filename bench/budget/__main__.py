"""Measure what one job of a scenario costs, and print it as Markdown."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.harness.machine import machine
from bench.harness.measure import measure
from bench.harness.system import System
from bench.peer import find_peer

from .budget import Budget, page, store_parts
from .count import PYTHON, Command, Counter, SystemCalls
from .part import RULES, shares, sort_samples
from .profile import Profile

WARM_UP_S = 1.0


def main() -> None:
    """Measure what the arguments ask."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    options = _options()
    before = msgspec.json.decode(options.before.read_bytes(), type=Budget) if options.before else None
    with find_peer("tidings").running() as system, tempfile.TemporaryDirectory(prefix="budget-") as folder:
        found = measure_budget(system, options.scenario, options.seconds, Path(folder))
    print(page(found, before))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description="Where the CPU time of a job goes.")
    parser.add_argument("--scenario", default="closed_loop", help="one with a single case; default: closed_loop")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of the three windows; default: 10")
    parser.add_argument("--json", type=Path, help="write it there, to compare with later")
    parser.add_argument("--before", type=Path, help="an earlier one to compare with")
    return parser.parse_args()


def measure_budget(system: System, scenario: str, seconds: float, folder: Path) -> Budget:
    """Return what one job costs.

    Three windows: one undisturbed for the CPU time and the counts, one for the system calls, and one for the
    profile, which slows what it looks at, so that only its proportions are used.
    """
    counter, calls = Counter(system), SystemCalls(system.processes, folder)
    profile = Profile({name: system.processes[name] for name in PYTHON}, seconds - 1, folder)
    one = measure(system, scenario, WARM_UP_S, seconds, beside=counter.running)[""]
    two = measure(system, scenario, WARM_UP_S, seconds, beside=calls.running)[""]
    measure(system, scenario, WARM_UP_S, seconds, beside=profile.running)
    jobs = one.jobs_per_s * seconds
    commands = {name: Command(said.calls / jobs, said.us / jobs) for name, said in counter.commands.items()}
    samples = {name: sort_samples(text, RULES[name]) for name, text in profile.found.items()}
    cpu_us = {name: shares(found.parts, found.total, one.cpu_us_per_job[name]) for name, found in samples.items()}
    return Budget(
        scenario=scenario,
        jobs_per_s=one.jobs_per_s,
        machine=machine(),
        native=profile.native,
        samples={name: found.total for name, found in samples.items()},
        cpu_us={**cpu_us, "store": store_parts(commands, one.cpu_us_per_job["store"])},
        calls_us={name: shares(found.calls, found.total, one.cpu_us_per_job[name]) for name, found in samples.items()},
        commands={name: (command.calls, command.us) for name, command in commands.items()},
        counts={
            "script calls": sum(commands[name].calls for name in ("fcall", "evalsha", "eval") if name in commands),
            "commands, those within scripts included": sum(command.calls for command in commands.values()),
            **{name: amount / jobs for name, amount in counter.amounts.items()},
            **{
                f"{name}: system calls, {call}": count / (two.jobs_per_s * seconds)
                for name, found in calls.found.items()
                for call, count in found.items()
            },
        },
    )


if __name__ == "__main__":
    main()
