"""What nginx compresses by the configuration that is shipped, and what it lets go as it comes."""

import httpx

from proxies.conftest import running_world
from support.timeouts import scaled


def test_nginx_compresses_json_and_no_events() -> None:
    with running_world("nginx") as world, httpx.Client(timeout=scaled(30)) as http:
        http.base_url = f"http://127.0.0.1:{world.front.port}"
        job = {"kind": "echo", "input": {"text": "x" * 5_000}}
        token = http.post("/v1/jobs", json=job, headers={"prefer": "wait=20"}).json()["token"]
        for path, compressed in (
            (f"/v1/jobs/{token}", True),
            ("/v1/kinds", True),
            ("/static/page.css", True),
            (f"/v1/jobs/{token}/events", False),
        ):
            answer = http.get(path, headers={"accept-encoding": "gzip"})
            assert answer.status_code == 200
            assert (answer.headers.get("content-encoding") == "gzip") is compressed, path
