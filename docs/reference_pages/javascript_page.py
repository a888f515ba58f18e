"""The page of the JavaScript package, from its declarations (`static/types`) as the TypeScript compiler reads them."""

import json
import subprocess
from pathlib import Path
from typing import Any

from .markdown import HEAD, anchor, code, indented, prose, table

HERE = Path(__file__).parent

ABOUT = {
    "tidings": "The client, for browsers and for Node.js. A server has it at `/static/tidings.js`: "
    "[how to use it](../how-to/browser.md).",
    "tidings/shared": "One connection for all tabs.",
    "tidings/ai": "For `useChat` of the AI SDK: [how to answer a chat](../how-to/chat.md).",
    "tidings/react": "[React](../how-to/react.md).",
    "tidings/svelte": "[Svelte](../how-to/svelte.md).",
    "tidings/vue": "[Vue](../how-to/vue.md).",
    "tidings/webhook": "To [receive webhooks](../how-to/receive-webhooks.md) in Node.js and where Web Crypto is.",
}
"""Entry point of the package → what stands before its names."""

WIDTH = 110

_LEAD = (
    "# The JavaScript package\n\n"
    "Each entry point of the package, with what it exports, as its type declarations say it. No entry point has a "
    "dependency; those of the frameworks import the framework of the page.\n\n"
)


def exports() -> dict[str, Any]:
    """Return what the package exports, by `javascript.mjs`."""
    done = subprocess.run(  # noqa: S603 - our own program
        ["node", str(HERE / "javascript.mjs")],  # noqa: S607 - as `make` finds it
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"node docs/reference_pages/javascript.mjs failed, which needs `make setup`:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def javascript() -> str:
    """Return the page."""
    found = exports()
    parts = [HEAD, _LEAD]
    told: dict[str, str] = {}
    for module in found["modules"]:
        name = module["module"]
        parts.append(f"## `{name}`\n\n{ABOUT[name]}\n\n")
        for one in module["names"]:
            title = one["name"] if one["name"] not in told else f"{one['name']} of {name}"
            if one["form"] == "type" and one["name"] in told:
                where = told[one["name"]]
                parts.append(f"### `{title}`\n\nThe type of [`{where}`](#{anchor(one['name'])}).\n\n")
                continue
            told.setdefault(one["name"], name)
            parts.append(_entry(title, one))
    parts.append("## Types that these name\n\n")
    parts += [_entry(one["name"], one) for one in found["types"]]
    return "".join(parts).rstrip("\n") + "\n"


def _entry(title: str, one: dict[str, Any]) -> str:
    parts = [f"### `{title}`\n\n"]
    if one["form"] != "class":
        parts.append(indented(_wrapped(one["source"])))
    made = one.get("constructor")
    if made is not None:
        parts.append(indented(_wrapped(made["source"].replace("constructor", f"new {one['name']}", 1))))
    parts.append(_said(one))
    if made is not None:
        parts.append(_said(made))
    members = one.get("members", [])
    rows = [(code(_name(each)), code(_type(each)), _text(each)) for each in members if not each["method"]]
    parts.append(table(("property", "type", "meaning"), rows))
    for each in members:
        if each["method"]:
            name = "for await" if each["name"].startswith("[") else each["name"]
            parts.append(f"#### `{name}` of `{title}`\n\n{indented(_wrapped(each['source']))}{_said(each)}")
    return "".join(parts)


def _said(one: dict[str, Any]) -> str:
    """Return the text of a comment, and what it says of parameters, of what is returned and of what is thrown."""
    text = _text(one)
    parts = [prose(text)] if text else []
    rows = []
    for tag in one["tags"]:
        name, _, rest = " ".join(tag["text"].split()).partition(" ")
        if tag["name"] == "param" and rest:
            rows.append((code(name), rest))
    parts.append(table(("argument", "meaning"), rows))
    for tag in one["tags"]:
        said = " ".join(tag["text"].split())
        if tag["name"] == "returns" and said:
            parts.append(f"Returns: {said}\n\n")
        if tag["name"] == "throws":
            kind, _, when = said.removeprefix("{").partition("} ")
            parts.append(f"Throws `{kind}`: {when}\n\n")
    return "".join(parts)


def _text(one: dict[str, Any]) -> str:
    if one["text"]:
        return str(one["text"])
    return next((tag["text"] for tag in one["tags"] if tag["name"] == "readonly"), "")


def _name(one: dict[str, Any]) -> str:
    return str(one["name"]) + ("?" if one["source"].startswith(f"{one['name']}?") else "")


def _type(one: dict[str, Any]) -> str:
    """Return the type of a property, out of its declaration."""
    source = str(one["source"])
    _, _, hint = source.partition("(): ") if source.startswith("get ") else source.partition(": ")
    return str(hint).removesuffix(" | undefined") if "?" in _name(one) else hint


def _wrapped(source: str) -> str:
    """Return a declaration on lines that a page has room for: one for each parameter."""
    if len(source) <= WIDTH:
        return source
    start = source.find("(")
    depth, lines, begin = 0, [source[: start + 1]], start + 1
    for at in range(start, len(source)):
        if source[at] in "({[<":
            depth += 1
        elif source[at] in ")}]" or (source[at] == ">" and source[at - 1] != "="):
            depth -= 1
            if depth == 0:
                lines.append(f"  {source[begin:at].strip()}")
                lines.append(source[at:])
                return "\n".join(lines)
        elif source[at] == "," and depth == 1:
            lines.append(f"  {source[begin : at + 1].strip()}")
            begin = at + 1
    return source
