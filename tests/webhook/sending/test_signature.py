"""Signing and checking by Standard Webhooks; the package `standardwebhooks` is the oracle."""

import base64
import binascii
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks import WebhookVerificationError as OracleError

from tidings.webhook import SecretError, WebhookVerificationError, decode_secret, new_secret, sign, verify

ROOT = Path(__file__).parents[3]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's example
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
times = st.integers(0, 4_000_000_000)
secret_texts = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())


def headers(message_id: str, at: int, signature: str) -> dict[str, str]:
    return {"Webhook-Id": message_id, "WEBHOOK-TIMESTAMP": str(at), "webhook-signature": signature}


def test_the_example_of_the_specification_has_its_signature() -> None:
    body = b'{"test": 2432232314}'
    signature = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, SECRET)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(ids, times, bodies, secret_texts)
def test_the_oracle_signs_alike(message_id: str, at: int, body: bytes, secret: str) -> None:
    theirs = Webhook(secret).sign(message_id, datetime.fromtimestamp(at, UTC), body.decode())
    assert sign(message_id, at, body, secret) == theirs
    assert verify(headers(message_id, at, theirs), body, secret, now=at) == json.loads(body)


@given(ids, bodies, secret_texts, secret_texts)
def test_the_oracle_accepts_ours_with_each_of_several_secrets(
    message_id: str, body: bytes, one: str, other: str
) -> None:
    at = int(time.time())
    signed = {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(message_id, at, body, (one, other)),
    }
    for secret in (one, other):
        assert Webhook(secret).verify(body, signed) == json.loads(body)
        assert verify(signed, body, secret) == json.loads(body)
        assert verify(signed, body, (new_secret(), secret)) == json.loads(body)


@given(ids, times, bodies, secret_texts, st.data())
def test_a_change_of_any_byte_is_noticed(
    message_id: str, at: int, body: bytes, secret: str, data: st.DataObject
) -> None:
    good = headers(message_id, at, sign(message_id, at, body, secret))
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([body[place] ^ data.draw(st.integers(1, 255))]) + body[place + 1 :]
    for bad, text in (
        (good, changed),
        (good, body + b" "),
        (good | {"Webhook-Id": message_id + "x"}, body),
        (good | {"WEBHOOK-TIMESTAMP": str(at + 1)}, body),
    ):
        with pytest.raises(WebhookVerificationError):
            verify(bad, text, secret, now=at)
    with pytest.raises(WebhookVerificationError):
        verify(good, body, new_secret(), now=at)


@pytest.mark.parametrize(("age", "tolerance"), [(300, None), (-300, None), (10, 10.0), (0, 1.0)])
def test_a_time_within_the_tolerance_is_accepted(age: int, tolerance: float | None) -> None:
    signed = headers("msg_1", 10_000, sign("msg_1", 10_000, b"{}", SECRET))
    assert verify(signed, b"{}", SECRET, now=10_000 + age, tolerance_s=tolerance) == {}


@pytest.mark.parametrize(
    ("age", "tolerance", "said"),
    [
        (301, None, "301 s in the past; 300 s are allowed"),
        (-301, None, "301 s in the future"),
        (11, 10.0, "11 s in the past; 10 s"),
        (1, float("nan"), "allowed"),
    ],
)
def test_a_time_outside_is_refused(age: int, tolerance: float | None, said: str) -> None:
    signed = headers("msg_1", 10_000, sign("msg_1", 10_000, b"{}", SECRET))
    with pytest.raises(WebhookVerificationError, match=said):
        verify(signed, b"{}", SECRET, now=10_000 + age, tolerance_s=tolerance)


def test_the_variable_sets_the_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = headers("msg_1", 10_000, sign("msg_1", 10_000, b"{}", SECRET))
    monkeypatch.setenv("TIDINGS_WEBHOOK_TOLERANCE_S", "20")
    assert verify(signed, b"{}", SECRET, now=10_020) == {}
    with pytest.raises(WebhookVerificationError, match="20 s are allowed"):
        verify(signed, b"{}", SECRET, now=10_021)
    for text in ("soon", "0", "nan", "86401"):
        monkeypatch.setenv("TIDINGS_WEBHOOK_TOLERANCE_S", text)
        with pytest.raises(ValueError, match="TIDINGS_WEBHOOK_TOLERANCE_S is"):
            verify(signed, b"{}", SECRET, now=10_000)


@given(st.text() | st.from_regex(r"(v1|v2|v1a),[A-Za-z0-9+/=]*( (v1|v1a)[, ][A-Za-z0-9+/=]*)*", fullmatch=True))
def test_any_text_in_a_header_is_refused_by_the_one_error_that_is_documented(text: str) -> None:
    for name in ("Webhook-Id", "WEBHOOK-TIMESTAMP", "webhook-signature"):
        with pytest.raises(WebhookVerificationError):
            verify(headers("msg_1", 10_000, "v1,AAAA") | {name: text}, b"{}", SECRET, now=10_000)


def test_what_the_oracle_raises_beside_its_own_error_is_one_error_here() -> None:
    now = int(time.time())
    signed = {"webhook-id": "m", "webhook-timestamp": str(now)}
    for signature in ("v1", "v1,A"):
        with pytest.raises((ValueError, binascii.Error)):
            Webhook(SECRET).verify(b"{}", signed | {"webhook-signature": signature})
        with pytest.raises(WebhookVerificationError):
            verify(signed | {"webhook-signature": signature}, b"{}", SECRET)
    with pytest.raises(OracleError):
        Webhook(SECRET).verify(b"{}", {})
    with pytest.raises(WebhookVerificationError, match="is missing"):
        verify({}, b"{}", SECRET)


def test_a_body_that_is_not_json_is_refused_although_it_is_signed() -> None:
    for body in (b"\xff", b"{", b"[" * 100_000):
        with pytest.raises(WebhookVerificationError, match="not JSON"):
            verify(headers("m", 1, sign("m", 1, body, SECRET)), body, SECRET, now=1)


@pytest.mark.parametrize(
    "text", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_!!!!", "whsec_AAAA", "whsec_" + "A" * 100]
)
def test_what_is_no_secret_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SecretError) as caught:
        decode_secret(text)
    assert not text or text.removeprefix("whsec_") not in str(caught.value) or not text.removeprefix("whsec_")
    with pytest.raises(SecretError):
        verify({}, b"{}", [])


def test_the_id_of_a_delivery_has_no_full_stop() -> None:
    for message_id in ("", "a.b"):
        with pytest.raises(ValueError, match="the id of a delivery"):
            sign(message_id, 1, b"{}", SECRET)


def test_javascript_and_python_accept_each_other(tmp_path: Path) -> None:
    """One process of Node checks many deliveries that Python signed, and signs as many for Python."""
    cases = []
    for number in range(40):
        secrets = [new_secret() for _ in range(1 + number % 3)]
        body = json.dumps({"number": number, "text": "ü€😀"[: number % 4]}, ensure_ascii=False)
        message_id, at = f"msg_{number}", 1_700_000_000 + number
        cases.append(
            {"id": message_id, "at": at, "body": body, "secrets": secrets,
             "signature": sign(message_id, at, body.encode(), secrets)}
        )  # fmt: skip
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases))
    script = f"""
      import {{ readFileSync }} from "node:fs";
      import {{ sign, verify }} from {json.dumps((ROOT / "static" / "webhook.js").as_uri())};
      const answers = [];
      for (const one of JSON.parse(readFileSync({json.dumps(str(file))}, "utf8"))) {{
        const headers = {{
          "Webhook-Id": one.id, "webhook-timestamp": String(one.at), "webhook-signature": one.signature,
        }};
        const value = await verify(headers, one.body, one.secrets.at(-1), {{ now: one.at }});
        answers.push({{ number: value.number, signature: await sign(one.id, one.at, one.body, one.secrets) }});
      }}
      console.log(JSON.stringify(answers));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=60
    )
    answers = json.loads(done.stdout)
    assert [one["number"] for one in answers] == list(range(40))
    assert [one["signature"] for one in answers] == [one["signature"] for one in cases]
