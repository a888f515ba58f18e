"""What `make test` starts its parts by (tests/run_beside.py)."""

import pytest

from run_beside import main


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["true", "true", "--", "true"], 0),
        (["true", "exit 3", "--", "true"], 1),
        (["true", "--", "false"], 1),
        (["false"], 1),
        (["--", "true"], 0),
    ],
)
def test_it_ends_well_if_each_part_does(arguments: list[str], code: int) -> None:
    assert main(arguments) == code


def test_what_runs_beside_is_shown_at_the_end_whole(capfd: pytest.CaptureFixture[str]) -> None:
    main(["echo first; echo its error >&2", "echo second", "--", "echo", "the command"])
    assert capfd.readouterr().out.splitlines() == [
        "the command",
        "echo first; echo its error >&2", "first", "its error",
        "echo second", "second",
    ]  # fmt: skip
