"""The examples for pages, as they stand in `examples/browser`."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.context import new_context
from support.system import running_system, system_fixture, written
from tidings.process.port import free_port

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/browser"

APPLICATION = """
import { StrictMode, createElement, useState } from "react";
import { createRoot } from "react-dom/client";
import { Tidings } from "tidings";
import { useJob } from "EXAMPLES/use-job.js";

const tidings = new Tidings(new URL("/v1/socket", location.href));

function Words() {
  const [token, setToken] = useState(null);
  const { status, result, error } = useJob(tidings, token);
  const submit = async (kind, input) => setToken(await tidings.submit(kind, input).accepted);
  return createElement("main", null,
    createElement("button", { onClick: () => submit("count_words", { text: "to be" }) }, "Count"),
    createElement("button", { onClick: () => submit("reject", {}) }, "Fail"),
    createElement("output", null, [status, result?.words, error?.code].filter(Boolean).join(" ")),
  );
}

createRoot(document.body).render(createElement(StrictMode, null, createElement(Words)));
"""


TEN_LINES = (ROOT / "README.md").read_text().split("```python\n# jobs.py\n")[1].split("```")[0]
REJECTING = '\n\n@job\nasync def reject(ctx: Context) -> None:\n    raise Reject("no")\n'

system = system_fixture(written(TEN_LINES.replace("import Context, job", "import Context, Reject, job") + REJECTING))


def open_as(context: BrowserContext, html: str) -> Page:
    """Open a page of this content on the server's origin."""
    page = context.new_page()
    page.goto("/healthz")  # a page of the server's that forbids no script
    page.set_content(html)
    return page


@pytest.mark.parametrize("name", ["ten-lines.html", "event-source.html"])
def test_a_page_is_opened_from_a_web_server_as_its_readme_says(browser: Browser, tmp_path: Path, name: str) -> None:
    """The page's server is another origin, which the Tidings server allows."""
    port, own = free_port(), free_port()
    html = (EXAMPLES / name).read_text()
    assert "http://127.0.0.1:8700" in html
    (tmp_path / name).write_text(html.replace("http://127.0.0.1:8700", f"http://127.0.0.1:{own}"))
    jobs = tmp_path / "jobs.py"
    jobs.write_text((ROOT / "README.md").read_text().split("```python\n# jobs.py\n")[1].split("```")[0])
    pages = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    origin = f"http://127.0.0.1:{port}"
    with running_system(servers=0, workers=0) as system, subprocess.Popen(pages, cwd=tmp_path) as site:
        try:
            system.add_worker(str(jobs))
            system.add_server(TIDINGS_PORT=str(own), TIDINGS_ALLOWED_ORIGINS=origin)
            context = new_context(browser)
            page = context.new_page()
            page.goto(f"{origin}/{name}")
            expect(page.locator("output")).to_have_text("6 words")
            context.close()
        finally:
            site.kill()


def test_the_snippet_of_the_guide_logs_progress_and_the_result(context: BrowserContext) -> None:
    snippet = (ROOT / "docs/how-to/browser.md").read_text().split("```html\n")[1].split("```")[0]
    page = context.new_page()
    page.goto("/healthz")
    with page.expect_console_message(lambda message: message.text == "{words: 6}"):
        page.set_content(snippet)


def test_the_react_hook_follows_a_job_to_its_end_and_then_another(context: BrowserContext, tmp_path: Path) -> None:
    application = tmp_path / "application.js"
    application.write_text(APPLICATION.replace("EXAMPLES", str(EXAMPLES)))
    command = ["npx", "--no-install", "esbuild", str(application), "--bundle", "--format=esm", "--log-level=error"]
    paths = {"alias:react": "node_modules/react", "alias:react-dom": "node_modules/react-dom"}
    options = [f"--{name}={ROOT / path}" for name, path in paths.items()]
    script = subprocess.check_output([*command, *options, f"--alias:tidings={ROOT}/static/tidings.js"], cwd=ROOT)
    page = open_as(context, "<!doctype html><body></body>")
    page.add_script_tag(content=script.decode(), type="module")
    page.get_by_role("button", name="Count").click()
    expect(page.locator("output")).to_have_text("succeeded 2")
    page.get_by_role("button", name="Fail").click()
    expect(page.locator("output")).to_have_text("failed rejected")
