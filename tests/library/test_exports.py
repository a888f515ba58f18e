import importlib

import pytest


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
