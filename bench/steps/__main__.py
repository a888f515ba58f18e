"""`python -m bench.steps [scripts|attempts|processes] [--rounds ROUNDS]`: what each step of a job costs alone, µs."""

import argparse
import sys

import uvloop

from bench.harness.machine import machine

from .attempts import measure_attempts
from .processes import measure_processes
from .scripts import measure_scripts

PARTS = {
    "scripts": ("call of the store", measure_scripts, 200),
    "attempts": ("attempt of the worker", measure_attempts, 10),
    "processes": ("call of a child process", measure_processes, 10),
}


def main() -> None:
    """Measure what the arguments ask, and print it as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.steps", description="What each step of a job costs, µs.")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--rounds", type=int, help="default: 200 of the scripts, 10 of the others")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no {', '.join(unknown)}")
    sys.stdout.write(f"{', '.join(machine().values())}\n")
    for part in options.parts or PARTS:
        heading, measure, rounds = PARTS[part]
        found = uvloop.run(measure(options.rounds or rounds))
        rows = "".join(f"| {name} | {cost:.1f} |\n" for name, cost in found.items())
        total = f"| **all** | {sum(found.values()):.1f} |\n" if part == "scripts" else ""
        sys.stdout.write(f"\n| {heading} | µs a job |\n|---|---:|\n{rows}{total}")


if __name__ == "__main__":
    main()
