"""The demo's page is the frame of index.html with parts of its own."""

import re
from pathlib import Path

import httpx
import pytest

from support.store import running_store
from support.system import System
from tidings_server.http.front_page import with_parts

STATIC = Path(__file__).parents[2] / "static"

FRAME = """
<p>
  <!-- part one -->
  <b>frame</b>
  <!-- end one -->
  <!-- part two -->
  <!-- end two -->
</p>
"""


def test_a_part_replaces_that_of_the_frame_and_the_others_stay() -> None:
    page = with_parts(FRAME, "a comment\n<!-- part two -->\n  <i>own</i>\n<!-- end two -->\n")
    assert page == "\n<p>\n  <b>frame</b>\n  <i>own</i>\n</p>\n"


def test_a_part_that_the_frame_has_not_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no part three"):
        with_parts(FRAME, "<!-- part three -->\n<!-- end three -->\n")


def test_both_pages_have_each_part_and_each_template_once() -> None:
    frame, parts = (STATIC / "index.html").read_text(), (STATIC / "demo.html").read_text()
    for page in (with_parts(frame, ""), with_parts(frame, parts)):
        for what in ("id", "data-template"):
            names = re.findall(rf' {what}="([^"]+)"', page)
            assert sorted(names) == sorted(set(names))
        assert "<!-- part" not in page
        assert page.count("<script") == 1
    lines = [line for line in parts.splitlines() if "<template" in line or "<article" in line]
    assert [line for line in lines if line in frame.splitlines()] == []


async def test_it_is_compressed_for_those_who_take_that_and_not_sent_twice() -> None:
    with running_store() as store:
        system = System(store)
        try:
            server = system.add_server(TIDINGS_PAGE="demo")
            async with httpx.AsyncClient(base_url=server.url) as http:
                plain = await http.get("/", headers={"accept-encoding": "identity"})
                small = await http.get("/", headers={"accept-encoding": "gzip"})
                assert plain.text == small.text
                assert "Place an order" in plain.text
                assert (plain.headers.get("content-encoding"), small.headers["content-encoding"]) == (None, "gzip")
                assert plain.headers["etag"] != small.headers["etag"]
                for one in (plain, small):
                    assert one.headers["vary"] == "Accept-Encoding"
                    assert one.headers["content-security-policy"]
                again = await http.get("/", headers={"accept-encoding": "gzip", "if-none-match": small.headers["etag"]})
                assert (again.status_code, again.content) == (304, b"")
        finally:
            system.close()
