"""Write into each page the modules that it loads: `python docs/preload.py`.

A browser finds a module's imports only when it has read the module, one round trip after the other; named in the page,
all are asked for at once. Source: https://html.spec.whatwg.org/multipage/links.html#link-type-modulepreload
"""

import re
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
PAGES = ("index.html", "demo.html", "console/index.html")

_IMPORT = re.compile(r"^(?:import|export) [^;]*? from \"(\.[^\"]+)\";|^import \"(\.[^\"]+)\";", re.MULTILINE)
_SCRIPT = re.compile(r'  <script type="module" src="static/([^"]+)"></script>\n')
_LINKS = re.compile(r'(?:  <link rel="modulepreload" href="[^"]+">\n)*(?=  <script type="module")')


def modules_of(script: str) -> list[str]:
    """Return the modules that one loads, without itself; paths in the folder of the pages."""
    found: set[str] = set()
    left = [script]
    while left:
        one = left.pop()
        for path in _IMPORT.findall((STATIC / one).read_text()):
            imported = (STATIC / one).parent.joinpath(path[0] or path[1]).resolve().relative_to(STATIC.resolve())
            if str(imported) not in found and str(imported) != script:
                found.add(str(imported))
                left.append(str(imported))
    return sorted(found)


def with_preloads(page: str) -> str:
    """Return the text of a page with the links that belong into it."""
    text = (STATIC / page).read_text()
    script = _SCRIPT.search(text)
    assert script is not None
    links = "".join(f'  <link rel="modulepreload" href="static/{one}">\n' for one in modules_of(script[1]))
    return _LINKS.sub(links, text, count=1)


if __name__ == "__main__":
    for page in PAGES:
        (STATIC / page).write_text(with_preloads(page))
