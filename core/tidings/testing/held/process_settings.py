"""The settings of the processes that a test stands for."""

from collections.abc import Mapping
from typing import Any

from tidings.settings.settings import from_env
from tidings.testing.testing_errors import TestingError
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings

OWN = frozenset(
    {"store_url", "store_url_file", "modules", "name", "host", "port", "metrics", "metrics_port", "processes"}
)
"""What `tidings.testing` decides itself."""


def settings_by_process(settings: Mapping[str, Any], store_url: str) -> tuple[WorkerSettings, ServerSettings]:
    """Return the settings of workers and of servers; what both have goes to both. The environment says nothing here.

    Raises:
        TestingError: one of them is no setting, or is not the test's to decide.
        SettingsError: a value is not allowed.

    """
    of_workers, of_servers = set(WorkerSettings.__struct_fields__), set(ServerSettings.__struct_fields__)
    for name in settings:
        if name in OWN:
            raise TestingError(f"{name!r} is not a test's to set: tidings.testing decides it")
        if name not in of_workers | of_servers:
            raise TestingError(f"{name!r} is no setting of workers or servers: see docs/reference/settings.md")
    own = {"store_url": store_url, "metrics": False}
    return (
        from_env(WorkerSettings, {}, {**settings, **own}),
        from_env(ServerSettings, {}, {**settings, **own}),
    )
