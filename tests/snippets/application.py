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
        assert [one["kind"] for one in answer.json()["kinds"]] == ["count_words"]
"""

LOGGED_IN = """

def log_in(browser, user, password):
    answer = browser.post("/login", json={"user": user, "password": password})
    assert answer.status_code == 204, answer.text
    cookie = "session=" + browser.cookies["session"]
    browser.cookies.clear()
    return {"cookie": cookie}


if __name__ == "__main__":
    from fastapi.testclient import TestClient

    with TestClient(app, base_url="http://localhost") as browser:
        text = {"text": "to be or not to be"}
        assert browser.post("/reports", json=text).status_code == 401
        assert browser.post("/login", json={"user": "alice", "password": "builder"}).status_code == 403
        alice, bob = log_in(browser, "alice", "wonderland"), log_in(browser, "bob", "builder")
        made = browser.post("/reports", json=text, headers=alice)
        assert made.status_code == 202, made.text
        job = "/tidings/v1/jobs/" + made.json()["token"]
        bearer = {"authorization": "Bearer " + made.json()["grant"], "prefer": "wait=20"}
        found = browser.get(job, headers=bearer)
        while found.json()["status"] != "succeeded":
            found = browser.get(job, headers={**bearer, "if-none-match": found.headers["etag"]})
        assert found.json()["result"] == {"words": 6}
        assert browser.get(job, headers=alice).json()["status"] == "succeeded"
        assert browser.get(job, headers=bob).status_code == 404
        own = browser.get("/tidings/v1/jobs", headers=alice).json()["jobs"]
        assert [one["token"] for one in own] == [made.json()["token"]]
        assert browser.get("/tidings/v1/jobs", headers=bob).json()["jobs"] == []
        # what is behind it differs from page to page
"""

SEEN = LOGGED_IN.replace(
    "# what is behind it differs from page to page",
    'assert "tidings.watch(token, { grant })" in browser.get("/").text',
)

ACCEPTED = LOGGED_IN.replace('made.json()["grant"]', 'made.json()["grant"]["grant"]').replace(
    "# what is behind it differs from page to page",
    """renew = f"/reports/{made.json()['token']}/grant"
        assert browser.post(renew, headers=alice).json()["grant"].startswith("tdg_")
        assert browser.post(renew, headers=bob).json()["code"] == "unknown_token\"""",
)

DELEGATED = """

if __name__ == "__main__":
    from fastapi.testclient import TestClient

    with TestClient(app) as browser:
        headers = {"x-user": "alice", "request-id": "1"}
        made = [browser.post("/reports", params={"text": "to be"}, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in made] == [202, 202], made[0].text
        assert made[0].json()["token"] == made[1].json()["token"]
        assert [answer.json()["duplicate"] for answer in made] == [False, True]
        assert made[0].json()["grant"]["may"] == ["watch"]
"""

FLASK = """

if __name__ == "__main__":
    with app.test_client() as browser:
        assert browser.post("/login", json={"user": "alice", "password": "wonderland"}).status_code == 204
        answer = browser.post("/reports", json={"text": "to be"})
        assert answer.status_code == 202, answer.text
        assert answer.json["token"].startswith("default.")
"""

WSGI = """

if __name__ == "__main__":
    import io

    said = []
    body = b"to be"
    environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    answer = json.loads(b"".join(application(environ, lambda status, headers: said.append(status))))
    assert said == ["202 Accepted"]
    assert answer["token"].startswith("default.")
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
    "docs/how-to/flask.md#0": FLASK,
    "docs/how-to/flask.md#1": WSGI,
    "docs/how-to/mount.md#0": MOUNTED,
    "docs/how-to/mount.md#2": SEEN,
    "docs/how-to/fastapi.md#0": ACCEPTED,
    "docs/how-to/fastapi.md#3": DELEGATED,
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
