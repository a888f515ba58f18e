"""The applications of docs/how-to/flask.md under gunicorn: several workers, threads, forks after the import."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.credential import bearer
from support.system import System, running_system
from support.timeouts import scaled
from support.web.site import SiteProcess
from tidings_server.auth.api_key import new_key, setting_line

PAGE = Path(__file__).parents[2] / "docs/how-to/flask.md"
FLASK, WSGI = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
MORE = """

@app.get("/process")
def process() -> str:
    return str(os.getpid())


if os.environ.get("OPENS_EARLY"):
    tidings()  # in the process that gunicorn then forks
"""
KEY = new_key()
WORDS = "from tidings import job\n\n\n@job\nasync def count_words(text: str) -> int:\n    return len(text.split())\n"
TEXTS = [" ".join(["word"] * number) for number in range(1, 25)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    jobs = tmp_path_factory.mktemp("jobs") / "words.py"
    jobs.write_text(WORDS)
    with running_system(servers=0, workers=0) as system:
        system.add_worker(str(jobs))
        line = setting_line("shop", KEY, ("submit", "watch", "delegate"))
        system.add_server(KEY, TIDINGS_AUTH="api_key", TIDINGS_API_KEYS=line)
        yield system


def site(system: System, folder: Path, name: str, text: str, *flags: str, early: str = "") -> SiteProcess:
    (folder / "app.py").write_text(text.replace("http://127.0.0.1:8700", system.server.url))
    command = ("gunicorn", name, "--bind", "127.0.0.1:PORT", "--workers", "3", *flags)
    found = SiteProcess(folder, *command, TIDINGS_CREDENTIAL=KEY, SECRET_KEY="x" * 32, OPENS_EARLY=early)
    found.wait_until_ready("/process")
    return found


async def process(url: str) -> str:
    """Return the id of the process that answers a connection of its own."""
    async with httpx.AsyncClient(base_url=url, timeout=scaled(30)) as client:
        return (await client.get("/process")).text


async def result(system: System, accepted: dict[str, str]) -> object:
    """Return the result of a job, read with nothing but its grant."""
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30)) as client:
        headers = {**bearer(accepted["grant"]), "prefer": "wait=20"}
        found = await client.get(f"/v1/jobs/{accepted['token']}", headers=headers)
        while found.json()["status"] != "succeeded":
            headers["if-none-match"] = found.headers["etag"]
            found = await client.get(f"/v1/jobs/{accepted['token']}", headers=headers)
        return found.json()["result"]


@pytest.mark.parametrize(
    ("flags", "early"),
    [((), ""), (("--worker-class", "gthread", "--threads", "4"), ""), (("--preload",), "1")],
    ids=["workers", "threads", "forked"],
)
async def test_every_worker_submits_for_the_user_who_has_logged_in(
    system: System, tmp_path: Path, flags: tuple[str, ...], early: str
) -> None:
    served = site(system, tmp_path, "app:app", FLASK + MORE, *flags, early=early)
    try:
        async with httpx.AsyncClient(base_url=served.url, timeout=scaled(60)) as client:
            assert (await client.post("/reports", json={"text": "a"})).status_code == 401
            assert (await client.post("/login", json={"user": "bob", "password": "x"})).status_code == 403
            login = await client.post("/login", json={"user": "alice", "password": "wonderland"})
            assert login.status_code == 204
            assert "samesite=lax" in login.headers["set-cookie"].lower()
            answers = await asyncio.gather(*(client.post("/reports", json={"text": text}) for text in TEXTS))
            assert {answer.status_code for answer in answers} == {202}, served.text()
            found = await asyncio.gather(*(result(system, answer.json()) for answer in answers))
            assert found == list(range(1, 25))
            pids: set[str] = set()
            while len(pids) < 2:  # which worker takes a connection is the kernel's choice
                pids |= set(await asyncio.gather(*(process(served.url) for _ in range(12))))
            refused = await client.post("/reports", json={"text": 1})
            assert (refused.status_code, refused.json()["field"]) == (422, "/input/text")
            assert refused.headers["content-type"] == "application/problem+json"
            form = await client.post("/reports", data={"text": "a"})
            assert form.status_code == 415
            for pid in pids:  # gunicorn forks others, which open clients of their own
                os.kill(int(pid), signal.SIGKILL)
            again = None
            while again is None:
                try:
                    again = await client.post("/reports", json={"text": "to be"})
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
            assert await result(system, again.json()) == 2
    finally:
        served.close()
    stranger = httpx.get(f"{system.server.url}/v1/jobs/{again.json()['token']}", headers=bearer(KEY))
    assert stranger.status_code == 404  # the job is the user's


async def test_a_plain_wsgi_application_submits_from_each_of_its_workers(system: System, tmp_path: Path) -> None:
    served = site(system, tmp_path, "app:application", WSGI)
    try:
        async with httpx.AsyncClient(base_url=served.url, timeout=scaled(60)) as client:
            answers = await asyncio.gather(*(client.post("/", content=text) for text in TEXTS))
            assert {answer.status_code for answer in answers} == {202}, served.text()
            assert len({answer.json()["token"] for answer in answers}) == len(TEXTS)
    finally:
        served.close()
