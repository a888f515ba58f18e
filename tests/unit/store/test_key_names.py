"""Every name that is made of an installation's keys and channels begins with its prefix, and then with the hash tag."""

import pytest

from tidings.store.keys import RegistryKeys, StoreKeys


@pytest.mark.parametrize("kind", [RegistryKeys, StoreKeys])
def test_every_name_begins_with_the_prefix_and_differs_from_another_installation_s(kind: type[RegistryKeys]) -> None:
    one, other = kind("acme"), kind("t")
    for name, found in vars(one).items():
        if name != "prefix":
            assert found.startswith("acme:{"), name
            assert vars(other)[name] == "t" + found.removeprefix("acme"), name


def test_every_key_that_is_made_begins_with_the_prefix() -> None:
    keys = StoreKeys("acme")
    made = 0
    for name, make in vars(StoreKeys).items():
        if name.startswith("_") or isinstance(make, staticmethod):
            continue
        wanted = make.__code__.co_argcount - 1 - len(make.__defaults__ or ())
        assert getattr(keys, name)(*["x"] * wanted).startswith("acme:{"), name
        made += 1
    assert made > 40
