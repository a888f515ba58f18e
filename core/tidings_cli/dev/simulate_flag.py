"""The flag `--simulate` of `tidings dev`: its value, and the lines that the command prints about it."""

import random

from rich.console import Console
from rich.text import Text

from tidings.logging.printable import printable
from tidings_cli.command_errors import CommandError
from tidings_cli.lab.simulation import Part, Simulation, SimulationError, parse_simulation
from tidings_cli.lab.simulation_text import describe


def read_simulation(text: str, *, own_store: bool) -> Simulation:
    """Return the simulation of the flag's value.

    Args:
        text: its value.
        own_store: whether the store is the embedded one, which alone can be paused.

    Raises:
        CommandError: it is malformed, or asks for what cannot be done here.

    """
    try:
        simulation = parse_simulation(text)
    except SimulationError as error:
        raise CommandError(f"--simulate: {error}") from None
    if Part.STORE in simulation.pauses and not own_store:
        raise CommandError(
            "--simulate store-pause: only the embedded store can be made to stand still; leave TIDINGS_STORE_URL "
            "out, or simulate a slow link to the store (store.latency=200ms)"
        )
    return simulation


def draw_seed() -> int:
    """Return a seed short enough for people to type."""
    return random.randrange(10_000)  # noqa: S311 - to be repeated, not to be secret


def simulation_lines(simulation: Simulation, seed: int) -> str:
    """Return the lines about a simulation."""
    rows = [*describe(simulation), ("seed", f"{seed}; again with --simulate-seed {seed}")]
    width = max(len(name) for name, _ in rows)
    before = ["", *(name for name, _ in rows)]
    return "\n".join(
        f"{'' if name == last else name:<{width}}  {text}" for (name, text), last in zip(rows, before, strict=False)
    )


def print_lab_line(console: Console, line: str) -> None:
    """Print a line about the lab in the form of the processes' lines."""
    text = Text(f"{'lab':<7}", style="yellow")
    text.append(printable(line), style="default")
    console.print(text, soft_wrap=True)
