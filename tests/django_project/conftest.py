"""What the tests of Django share: a system whose worker serves the project in this folder, and the project itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.system import System, running_system
from support.timeouts import scaled
from tidings import SyncClient
from tidings_server.auth.api_key import new_key, setting_line

HERE = Path(__file__).parent
KEY = new_key()
STRANGER = new_key()

try:
    import django.tasks  # noqa: F401 - Django 6, which wants Python 3.12
except ImportError:
    # `make test` runs them in an environment of their own, or says that it has none.
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system that knows the project by a key, and the project in this process, by its key."""
    import django  # noqa: PLC0415

    sys.path.insert(0, str(HERE))
    project = {"PYTHONPATH": str(HERE), "DJANGO_SETTINGS_MODULE": "errands.settings"}
    keys = ",".join(
        [
            setting_line("errands", KEY, ("submit", "watch", "cancel", "delegate")),
            setting_line("stranger", STRANGER, ("submit", "watch")),
        ]
    )
    with running_system(servers=0, workers=0) as system:
        system.add_worker("tidings.django.tasks", **project)
        system.add_server(KEY, TIDINGS_AUTH="api_key", TIDINGS_API_KEYS=keys)
        with pytest.MonkeyPatch.context() as environment:
            project |= {"TIDINGS_URL": system.server.url, "TIDINGS_CREDENTIAL": KEY}
            for name in ("DJANGO_SETTINGS_MODULE", "TIDINGS_URL", "TIDINGS_CREDENTIAL"):
                environment.setenv(name, project[name])
            django.setup()
            yield system


@pytest.fixture
def stranger(system: System) -> Iterator[SyncClient]:
    """A client that owns none of the project's jobs, such as a page has one."""
    with SyncClient(system.server.url, credential=STRANGER, timeout=scaled(30)) as client:
        yield client
