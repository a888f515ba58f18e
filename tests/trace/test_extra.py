"""OpenTelemetry is an extra: whoever does not want traces has none of it."""

import subprocess
import sys

from support.timeouts import scaled

WITHOUT = """
import sys
sys.modules["opentelemetry"] = None  # as if it were not installed
from tidings.settings.settings import SettingsError, from_env
from tidings.tracing.tracing_setup import tracing_of
from tidings_worker.settings import WorkerSettings
assert tracing_of(from_env(WorkerSettings, {}), "x", "y") is None
try:
    tracing_of(from_env(WorkerSettings, {"TIDINGS_TRACES": "otlp"}), "x", "y")
except SettingsError as error:
    print(error)
"""

UNLOADED = """
import sys
import tidings.client, tidings_server.app, tidings_server.run, tidings_worker.runner.child_main, tidings_worker.run
# redis-py itself loads what it needs for metrics, wherever OpenTelemetry is installed.
ours = ("tidings.tracing.otel", "opentelemetry.sdk.trace.export", "opentelemetry.exporter", "google.protobuf")
print([name for name in sys.modules if name.startswith(ours)])
"""


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=scaled(60)
    ).stdout


def test_where_it_is_not_installed_traces_are_refused_with_what_to_do() -> None:
    said = python(WITHOUT)
    assert "TIDINGS_TRACES" in said
    assert "install tidings[otel]" in said


def test_nothing_of_it_is_loaded_where_traces_are_off() -> None:
    assert python(UNLOADED) == "[]\n"
