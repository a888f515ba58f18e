"""The list of all pages for programs that read them: `llms.txt`, by the contents of the site.

Source: https://llmstxt.org/
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from website.make_site import AT_THE_ROOT, CONTENTS, completed

ROOT = Path(__file__).parents[2]

_LEAD = (
    "# Tidings\n\n"
    "> Asynchronous request-reply for Python: submit work over a socket, get a token at once, and have progress and "
    "the result pushed to you. Durable queues on Redis or Valkey; clients in Python, JavaScript and over HTTP.\n\n"
    "Paths are those of the repository. AGENTS.md says in one page how to write jobs, test them and call them.\n"
)

AT_HOME = {site: repository for repository, site in AT_THE_ROOT.items()}


def llms() -> str:
    """Return the file."""
    parts = [_LEAD]
    for part in completed(yaml.safe_load(CONTENTS.read_text(encoding="utf-8"))):
        for title, pages in part.items():
            parts.append(f"\n## {title}\n\n")
            parts += [_line(page) for page in _pages(pages) if not page.startswith("decisions/")]
    return "".join(parts)


def _pages(contents: Any) -> Iterator[str]:
    if isinstance(contents, str):
        yield contents
        return
    for one in contents.values() if isinstance(contents, dict) else contents:
        yield from _pages(one)


def _line(page: str) -> str:
    path = AT_HOME.get(page, f"docs/{page}")
    text = (ROOT / path).read_text(encoding="utf-8")
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    assert title is not None, path
    without_code = re.sub(r"^```.*?^```$", "", text[title.end() :], flags=re.DOTALL | re.MULTILINE)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", without_code)
    first = next((one for one in plain.split("\n\n") if re.match(r"[A-Z`]", one.strip())), "")
    sentence = re.split(r"(?<=\.)\s", " ".join(first.split()), maxsplit=1)[0].removesuffix(":")
    return f"- [{title[1]}]({path})" + (f": {sentence}" if sentence else "") + "\n"
