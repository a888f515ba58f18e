"""A browser's own EventSource, which knows nothing of jobs: it resumes by the last `id`, and stops at 204."""

import httpx
from playwright.sync_api import Page

from support.system import System

FOLLOW = """
    (url) => new Promise((done) => {
        const source = new EventSource(url);
        const seen = [];
        for (const name of ["log", "succeeded"]) {
            source.addEventListener(name, (event) => {
                const { token, data } = JSON.parse(event.data);
                seen.push([token, name, name === "log" ? data : data.result]);
            });
        }
        source.addEventListener("error", () => {
            if (source.readyState === EventSource.CLOSED) done(seen);
        });
    })
"""
"""Resolves when the browser has given up asking, with all that came."""


def test_it_is_told_each_event_of_several_jobs_once_and_then_stops(page: Page, system: System) -> None:
    tokens: list[str] = []
    for count in (3, 5):
        answer = httpx.post(system.server.url + "/v1/jobs", json={"kind": "count", "input": {"chunks": count}})
        tokens.append(answer.json()["token"])
    query = "&".join(f"token={token}" for token in tokens)
    seen = page.evaluate(FOLLOW, f"/v1/events?{query}")
    for token, count in zip(tokens, (3, 5), strict=True):
        expected = [*(["log", number] for number in range(count)), ["succeeded", count]]
        assert [rest for one, *rest in seen if one == token] == expected
