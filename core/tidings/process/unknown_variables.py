"""Variables of the environment that look like settings and are none: each is a warning at start, never an error.

Without the warning a process would ignore a mistyped setting in silence.
"""

import ast
import os
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tidings.protocol.decoding.name_suggestions import closest_name
from tidings.settings.settings import PREFIX, StoreSettings, settings_of

from .parent_death import LISTEN_VARIABLE, PARENT_VARIABLE

PROGRAMS: dict[str, tuple[str, ...]] = {
    "tidings_server": ("settings.py", "auth/auth_settings.py"),
    "tidings_worker": ("settings.py",),
}
"""Package of a program → the files that define its settings. One environment often serves several programs."""

OTHERS = frozenset({
    "TIDINGS_URL", "TIDINGS_CREDENTIAL", "TIDINGS_DIR", "TIDINGS_WEBHOOK_TOLERANCE_S", PARENT_VARIABLE, LISTEN_VARIABLE,
})  # fmt: skip
"""Variables that clients and the command line read beside settings."""

OWN_PREFIXES = ("TIDINGS_X_", "TIDINGS_TEST_", "TIDINGS_DEMO_", "TIDINGS_SOAK_")
"""Prefixes of variables that Tidings never reads: `TIDINGS_X_` is left to users, the others to tests and examples."""

# A Service of Kubernetes by the name of `tidings`, or one that begins so, brings these into every Pod. Source:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK = re.compile(
    r"TIDINGS_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_LINK_VALUE = re.compile(r"((tcp|udp|sctp)://)?[\w.:\[\]-]+")


class UnknownVariable(NamedTuple):
    """A variable that sets nothing."""

    name: str
    meant: str | None
    """The variable that was probably meant."""

    def __str__(self) -> str:
        hint = f"; did you mean {self.meant}?" if self.meant is not None else ""
        return f"{self.name} is no setting, and is ignored{hint}"


def unknown_variables(environ: Mapping[str, str]) -> Iterator[UnknownVariable]:
    """Yield the variables of an environment that look like settings of any of the programs, and are none."""
    suspects = sorted(name for name in environ if name.startswith(PREFIX) and not name.startswith(OWN_PREFIXES))
    known = {setting.variable for setting in settings_of(StoreSettings)} | OTHERS
    if known.issuperset(suspects):
        return
    others = _settings_of_programs()
    if others is None:
        return
    known |= others
    short = {name.removeprefix(PREFIX) for name in known}
    for name in suspects:
        if name not in known and not _is_service_link(name, environ[name]):
            meant = closest_name(name.removeprefix(PREFIX), short)
            yield UnknownVariable(name, None if meant is None else PREFIX + meant)


def log_unknown_variables() -> None:
    """Log the unknown variables of this process, each as a warning."""
    import structlog  # noqa: PLC0415 - a command that prints them needs no log

    log = structlog.get_logger()
    for one in unknown_variables(os.environ):
        log.warning("unknown_setting", variable=one.name, meant=one.meant, help=str(one))


def _settings_of_programs() -> set[str] | None:
    """Return the variables of the programs; None: their packages are not installed, so that any variable may be one.

    This reads the source and imports nothing: the server's settings import half of the server, which a probe that runs
    every few seconds would pay for.
    """
    found: set[str] = set()
    for package, files in PROGRAMS.items():
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            return None
        try:
            for file in files:
                text = Path(spec.submodule_search_locations[0], file).read_text(encoding="utf-8")
                found |= {PREFIX + name.upper() for name in _fields_of(text)}
        except OSError:
            return None
    return found


def _fields_of(source: str) -> Iterator[str]:
    """Yield the names of the fields of all classes of settings in a module."""
    for one in ast.parse(source).body:
        if isinstance(one, ast.ClassDef) and one.name.endswith("Settings"):
            for line in one.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield line.target.id


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name) and _LINK_VALUE.fullmatch(value))
