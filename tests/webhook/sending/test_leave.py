"""A worker that delivers leaves when it is asked to, with jobs of its own and without."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.store import StoreProcess, running_store
from support.system import Process
from tidings.webhook import new_secret
from webhook.log_lines import wait_for

KINDS = str(Path(__file__).parents[1] / "webhook_kinds.py")


@pytest.fixture(scope="module")
def own_store() -> Iterator[StoreProcess]:
    with running_store() as found:
        yield found


@pytest.mark.parametrize("modules", [(), (KINDS,)], ids=["alone", "beside jobs"])
def test_a_worker_that_delivers_leaves_when_it_is_asked(own_store: StoreProcess, modules: tuple[str, ...]) -> None:
    settings = {"TIDINGS_WEBHOOKS": "true", "TIDINGS_WEBHOOK_SECRETS": new_secret()}
    worker = Process("worker", "work", *modules, TIDINGS_STORE_URL=own_store.url, **settings)
    try:
        wait_for(worker, "delivering_webhooks")
        if modules:
            wait_for(worker, '"serving"')
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0, worker.text()
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "TIDINGS_WEBHOOK_SECRETS is empty"),
        ({"TIDINGS_WEBHOOK_SECRETS": "whsec_hush!"}, "is not base64"),
        ({"TIDINGS_WEBHOOK_SECRETS": new_secret(), "TIDINGS_WEBHOOK_BACKOFF_S": "5,soon"}, "TIDINGS_WEBHOOK_BACKOFF_S"),
        ({"TIDINGS_WEBHOOK_SECRETS": new_secret(), "TIDINGS_WEBHOOK_ALLOW": "a b"}, "TIDINGS_WEBHOOK_ALLOW names"),
    ],
)
def test_a_worker_with_a_wrong_setting_says_which(settings: dict[str, str], says: str) -> None:
    worker = Process("worker", "work", TIDINGS_WEBHOOKS="true", TIDINGS_STORE_URL="redis://127.0.0.1:1", **settings)
    try:
        assert worker.wait(20) != 0
        assert says in worker.text()
        assert "hush" not in worker.text()
    finally:
        worker.close()
