import importlib
import subprocess
import sys

import pytest

ERRORS = [
    "tidings.circuit.circuit_open",
    "tidings.client.client_errors",
    "tidings.protocol.problems",
    "tidings.declare.job",
    "tidings.errors",
    "tidings.saga.step_errors",
    "tidings.settings.settings",
]
"""The modules that define what users' own code can be raised."""

INTERNAL = {"DivergedError"}
"""What ends an attempt of a saga, and its code must not catch."""


@pytest.mark.parametrize("name", ["tidings", "tidings.client", "tidings_server"])
def test_everything_named_public_is_there_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    assert sorted(module.__all__) == module.__all__
    for public in module.__all__:
        assert getattr(module, public) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    module = importlib.import_module("tidings")
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_that_users_catch_is_named_beside_what_raises_it(name: str) -> None:
    module = importlib.import_module(name)
    errors = {
        one.__name__
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Exception) and one.__module__ == name
    }
    assert errors
    public = importlib.import_module("tidings")
    assert errors - INTERNAL <= set(public.__all__)
    for error in errors - INTERNAL:
        assert getattr(public, error) is getattr(module, error)


def test_the_errors_of_the_client_are_drawn_as_they_are() -> None:
    module = importlib.import_module("tidings.client.client_errors")
    branches = [line.partition("── ")[2] for line in (module.__doc__ or "").splitlines()]
    drawn = {branch.split()[0] for branch in branches if branch}
    defined = {name for name, one in vars(module).items() if getattr(one, "__module__", "") == module.__name__}
    assert drawn == defined - {"ClientError"}


def test_workers_and_servers_load_no_client() -> None:
    script = "import tidings, sys; assert not {'tidings.client', 'websockets'} & set(sys.modules); tidings.JobFailed"
    subprocess.run([sys.executable, "-c", script], check=True)
