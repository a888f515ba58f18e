"""The page under its own policy: what is against it does not happen. That the page does nothing against it, each test
of the page sees (conftest.py)."""

from playwright.sync_api import BrowserContext

from browser.conftest import open_page, policy_messages

LISTEN = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def test_what_an_intruder_would_do_is_not(context: BrowserContext) -> None:
    page = context.new_page()
    said = policy_messages(page)
    page.add_init_script(LISTEN)
    open_page(page)
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
