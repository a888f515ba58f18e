"""Every process that a file of a deployment starts: its settings exist, and it has the time that its end takes."""

from math import ceil

import pytest

from deploy.files import Started, started
from deploy.image import ROOT
from tidings.process.close_bound import CLOSES_WITHIN_S
from tidings.process.unknown_variables import unknown_variables
from tidings.settings.settings import StoreSettings, from_env, settings_of
from tidings_server.settings import ServerSettings
from tidings_worker.presence import DEREGISTER_WITHIN_S
from tidings_worker.run import TASKS_END_WITHIN_S
from tidings_worker.runner.running_lifespans import CANCELLED_WITHIN_S
from tidings_worker.settings import WorkerSettings
from tidings_worker.shutdown import CLEAN_UP_WITHIN_S, REPORT_OUTCOMES_WITHIN_S
from tidings_worker.webhook.webhook_service import LEAVE_WITHIN_S

STARTED = list(started())
SETTINGS: dict[str, type[StoreSettings]] = {"serve": ServerSettings, "work": WorkerSettings}
SPARE_S = 10
"""How much longer than the longest end a file may wait at the most."""
LET_GO_S = 3
"""What a server needs at most beside its drain: to let go of the store."""


def settings_from(one: Started) -> StoreSettings:
    """Return the settings of a process; secrets that a file takes from elsewhere are filled in."""
    given = dict(one.environment) | ({"TIDINGS_STORE_URL": "redis://store"} if "serve" in one.arguments else {})
    given.pop("TIDINGS_STORE_URL_FILE", None)
    if "api_key" in given.get("TIDINGS_AUTH", ""):
        given["TIDINGS_API_KEYS"] = "first:" + "0" * 64
    flags = dict(zip(one.arguments[1::2], one.arguments[2::2], strict=False)) if one.arguments[0] == "serve" else {}
    named = {setting.flag: setting.name for setting in settings_of(SETTINGS[one.arguments[0]])}
    return from_env(SETTINGS[one.arguments[0]], given, {named[flag]: value for flag, value in flags.items()})


def longest_end_s(settings: StoreSettings) -> float:
    """Return the longest time from the signal to the end of a process."""
    if isinstance(settings, ServerSettings):
        # The drain, then uvicorn's wait for requests under way.
        return settings.drain_s + max(1, round(settings.drain_s)) + LET_GO_S + CLOSES_WITHIN_S
    assert isinstance(settings, WorkerSettings)
    handing_back = CLEAN_UP_WITHIN_S + REPORT_OUTCOMES_WITHIN_S
    leaving = LEAVE_WITHIN_S + DEREGISTER_WITHIN_S
    lifespans = settings.lifespan_leave_s + CANCELLED_WITHIN_S
    return settings.grace_s + handing_back + leaving + lifespans + TASKS_END_WITHIN_S + CLOSES_WITHIN_S


@pytest.mark.parametrize("one", STARTED, ids=[one.where for one in STARTED])
def test_a_process_is_killed_only_after_the_longest_time_that_its_settings_allow(one: Started) -> None:
    longest = ceil(longest_end_s(settings_from(one)))
    assert longest <= one.stops_within_s <= longest + SPARE_S


@pytest.mark.parametrize("one", STARTED, ids=[one.where for one in STARTED])
def test_every_variable_is_a_setting_of_the_process_that_gets_it(one: Started) -> None:
    assert list(unknown_variables(one.environment)) == []
    shared = {"TIDINGS_HOST", "TIDINGS_METRICS_HOST"}  # the image serves both
    known = {setting.variable for setting in settings_of(SETTINGS[one.arguments[0]])} | shared
    assert {name for name in one.environment if name.startswith("TIDINGS_")} <= known


def test_each_way_to_deploy_starts_servers_and_workers() -> None:
    ways = {(one.where.split()[0].split("-")[0], one.arguments[0]) for one in STARTED}
    assert ways == {(way, command) for way in ("compose.yaml", "kubernetes", "tidings") for command in SETTINGS}


def test_the_guide_says_how_the_longest_end_of_a_worker_follows_from_its_grace() -> None:
    beside = longest_end_s(WorkerSettings()) - WorkerSettings().grace_s - WorkerSettings().lifespan_leave_s
    says = f"`TIDINGS_GRACE_S` + `TIDINGS_LIFESPAN_LEAVE_S` + {ceil(beside)} s"
    assert says in (ROOT / "docs/how-to/containers.md").read_text()
    says = f"twice `TIDINGS_DRAIN_S` and {LET_GO_S + CLOSES_WITHIN_S:g} s"
    assert says in (ROOT / "docs/how-to/containers.md").read_text()
