"""Which webhooks a job has: the submission's, the kind's and the owner's, each once."""

import json
from pathlib import Path

import msgspec
import pytest

from tidings.declare.job import Job, JobDefinitionError
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import ProblemError
from tidings.protocol.webhooks import WebhookRequest
from tidings.webhook import new_secret
from tidings.webhook.address_rules import AddressRules
from tidings.webhook.caller_file import CallerWebhook, read_callers
from tidings.webhook.target_url import TargetRules
from tidings_server.jobs.webhook_admission import WebhookAdmission

RAW = msgspec.Raw(b"{}")
PLAIN = KindRecord(kind="k", input=RAW, result=RAW)
ASKED = WebhookRequest(url="https://hooks.example/in")
RULES = TargetRules(AddressRules(), allow_http=False)


def specs(field: str) -> list[dict[str, str]]:
    return json.loads(field.partition(" ")[2]) if field else []


def admission(**callers: CallerWebhook) -> WebhookAdmission:
    found = WebhookAdmission(RULES)
    found.use_callers(callers)
    return found


def test_a_job_that_asks_for_none_has_none() -> None:
    assert admission().field(None, PLAIN, "alice") == ""
    assert admission(bob=CallerWebhook(url="https://bob.example/")).field(None, PLAIN, "alice") == ""


def test_the_mark_says_whether_the_end_alone_is_wanted() -> None:
    assert admission().field(ASKED, PLAIN, "").startswith("> [")
    started = msgspec.structs.replace(ASKED, events=("started",))
    assert admission().field(started, PLAIN, "").startswith(">* [")


def test_submission_kind_and_owner_each_have_one_and_the_same_url_counts_once() -> None:
    kind = msgspec.structs.replace(PLAIN, webhook=WebhookRequest(url="http://10.0.0.1/kind", events=("failed",)))
    found = admission(alice=CallerWebhook(url="http://alice.internal/", format="cloudevents")).field(
        ASKED, kind, "alice"
    )
    assert [(one["url"], one["place"], one["events"]) for one in specs(found)] == [
        ("https://hooks.example/in", "hooks.example", " succeeded failed cancelled expired "),
        ("http://10.0.0.1/kind", "10.0.0.1", " failed "),
        ("http://alice.internal/", "alice.internal", " succeeded failed cancelled expired "),
    ]
    same = admission(alice=CallerWebhook(url="https://hooks.example/in")).field(ASKED, PLAIN, "alice")
    assert len(specs(same)) == 1


def test_a_kind_whose_url_a_broken_worker_registered_costs_the_job_nothing() -> None:
    kind = msgspec.structs.replace(PLAIN, webhook=WebhookRequest(url="nonsense"))
    assert len(specs(admission().field(ASKED, kind, ""))) == 1


def test_a_client_s_url_is_checked_by_the_rules() -> None:
    with pytest.raises(ProblemError, match="not a public address") as caught:
        admission().field(WebhookRequest(url="https://127.0.0.1/"), PLAIN, "")
    assert caught.value.problem.field == "/webhook/url"


def test_no_text_of_an_object_shows_a_url_or_a_secret() -> None:
    one = CallerWebhook(url="https://h.example/?key=hush", secrets=(new_secret(),))
    for shown in (repr(one), repr(WebhookRequest(url="https://h.example/?key=hush"))):
        assert "hush" not in shown
        assert "whsec_" not in shown


def test_the_file_of_callers_is_read(tmp_path: Path) -> None:
    file = tmp_path / "callers.json"
    secret = new_secret()
    file.write_text(json.dumps({"alice": {"url": "https://a.example/", "events": ["failed"], "secrets": [secret]}}))
    assert read_callers(str(file))["alice"].secrets == (secret,)
    assert read_callers("") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "truncated"),
        ("[]", "object"),
        ('{"a": {"urls": "x"}}', "urls"),
        ('{"a": {"events": ["ended"]}}', "ended"),
        ('{"a": {"secrets": ["whsec_AAAA"]}}', "a: a webhook secret has"),
        ('{"a": {"secrets": ["hush"]}}', "a: a webhook secret begins with"),
        (json.dumps({"a": {"secrets": [new_secret() for _ in range(5)]}}), "5 secrets"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place_and_no_secret(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "callers.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="TIDINGS_WEBHOOK_CALLERS_FILE") as caught:
        read_callers(str(file))
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)
    with pytest.raises(ValueError, match="cannot be read"):
        read_callers(str(tmp_path / "nothing"))


async def handler() -> None:
    pass


def test_a_kind_says_its_webhook_as_a_url_or_with_its_fields() -> None:
    assert Job(handler, webhook="https://h.example/").record().webhook == WebhookRequest(url="https://h.example/")
    record = Job(handler, webhook={"url": "https://h.example/", "events": ["failed"]}).record()
    assert record.webhook == WebhookRequest(url="https://h.example/", events=("failed",))
    for wrong in ("nonsense", {"url": "https://h.example/", "event": "x"}, {"url": "https://h.example/", "events": []}):
        with pytest.raises((ValueError, JobDefinitionError), match="webhook"):
            Job(handler, webhook=wrong)
