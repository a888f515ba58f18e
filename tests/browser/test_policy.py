"""The page under its own policy: nothing it does is against it, and what is against it does not happen."""

from playwright.sync_api import BrowserContext, Page, expect

from support.system import System

LISTEN = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def listened(context: BrowserContext) -> tuple[Page, list[str]]:
    """Return a page that notes violations from its first moment on, and what it says in its console about them."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Policy" in message.text else None)
    page.add_init_script(LISTEN)
    page.goto("/")
    page.locator('.connection[data-state="open"]').wait_for()
    return page, said


def test_all_that_the_page_does_is_allowed(context: BrowserContext, system: System) -> None:
    page, said = listened(context)
    page.get_by_role("button", name="Start one of each").click()
    jobs = page.locator("li.job")
    expect(jobs).to_have_count(5)
    for index in range(5):
        expect(jobs.nth(index)).to_have_attribute("data-state", "succeeded")
    pictures = page.get_by_role("list", name="Pictures made").get_by_role("img")
    assert pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert page.evaluate("window.violations") == []
    assert said == []


def test_what_an_intruder_would_do_is_not(context: BrowserContext, system: System) -> None:
    page, said = listened(context)
    page.evaluate("""() => {
        for (const name of ["script", "style"]) {
            const part = document.createElement(name);
            part.append(name === "script" ? "window.intruded = 1" : "body { display: none }");
            document.body.append(part);
        }
    }""")
    page.evaluate("() => fetch('http://localhost:9/').catch(() => null)")
    page.evaluate("() => new Promise(done => { const s = new WebSocket('ws://localhost:9/'); s.onerror = done; })")
    assert page.evaluate("window.intruded") is None
    broken = {violation.split(" ")[0] for violation in page.evaluate("window.violations")}
    assert {"style-src-elem", "connect-src"} <= broken
    assert broken & {"script-src-elem", "require-trusted-types-for"}
    assert said
