"""Each mistake in a worker's settings is one line: the variable, its value, and what to write."""

import pytest

from tidings.process.unknown_variables import unknown_variables
from tidings.settings.settings import SettingsError, from_env
from tidings_worker.settings import WorkerSettings

SECONDS = "it takes a number of seconds, without a unit: write"
BYTES = "it takes a whole number of bytes, without a unit: write"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("GRACE_S", "10s", f"{SECONDS} 10"),
        ("GRACE_S", "5m", f"{SECONDS} 300"),
        ("LEASE_S", "1.5 minutes", f"{SECONDS} 90"),
        ("LIFESPAN_ENTER_S", "500ms", f"{SECONDS} 0.5"),
        ("RESULT_TTL_S", "2days", f"{SECONDS} 172800"),
        ("MAX_RESULT_BYTES", "1MB", f"{BYTES} 1000000"),
        ("MAX_RESULT_BYTES", "64KiB", f"{BYTES} 65536"),
        ("GRACE_S", "soon", "expected `float`, got `str`; allowed: number"),
        ("SLOTS", "10s", "expected `int`, got `str`; allowed: whole number"),
        ("GRACE_S", "1e3x", "expected `float`, got `str`; allowed: number"),
    ],
)
def test_a_value_with_a_unit_is_answered_with_the_number(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        from_env(WorkerSettings, {f"TIDINGS_{variable}": value})
    assert str(refused.value) == f"TIDINGS_{variable} is {value!r}: {says}"


def test_a_variable_without_its_unit_is_named() -> None:
    assert [str(one) for one in unknown_variables({"TIDINGS_GRACE": "10"})] == [
        "TIDINGS_GRACE is no setting, and is ignored; did you mean TIDINGS_GRACE_S?"
    ]
