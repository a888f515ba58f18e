"""What is done with those programs of the pages that are applications of a framework: they are asked something."""

FASTAPI = """

if __name__ == "__main__":
    from fastapi.testclient import TestClient

    with TestClient(app) as browser:
        answer = browser.post("/texts", params={"text": "to be"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["token"].startswith("default.")
"""

MOUNTED = """

if __name__ == "__main__":
    from fastapi.testclient import TestClient

    with TestClient(app, base_url="http://localhost") as browser:
        answer = browser.get("/tidings/v1/kinds")
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"kinds": []}
"""

VIEW = """

if __name__ == "__main__":
    from types import SimpleNamespace

    answer = create(SimpleNamespace(POST={"text": "to be"}))
    assert answer["token"].startswith("default."), answer
"""

CHECKS = {
    "docs/how-to/python.md#5": FASTAPI,
    "docs/how-to/python.md#6": VIEW,
    "docs/how-to/mount.md#0": MOUNTED,
}
"""Block → what stands behind it in its file."""

_DJANGO = """class HttpRequest:
    POST: dict[str, str] = {}


class JsonResponse(dict[str, str]):
    def __init__(self, data: dict[str, str], status: int) -> None:
        assert status == 202
        super().__init__(data)
"""

STAND_INS = {"django/http.py": _DJANGO}
"""Frameworks that are not installed here → the names of theirs that a page uses."""
