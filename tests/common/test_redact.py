"""What is redacted, in every form in which a response may repeat it, and what is not."""

from __future__ import annotations

import base64
import json
import time
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.common.redact import MIN_PIECE, RedactionPolicy, Redactor

KEY, SECRET = "ACCESSKEY123", "s3cr3t-Value_of/some+length"
PAIR = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
HEADER = f"Basic {PAIR}"
PLAIN = RedactionPolicy(hide_addresses=False)
VISIBLE_ASCII = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


def redactor(header: str = HEADER, policy: RedactionPolicy = PLAIN) -> Redactor:
    made = Redactor(policy)
    made.add_authorization(header)
    return made


@pytest.mark.parametrize(
    "text",
    [
        HEADER,
        PAIR,
        f"{KEY}:{SECRET}",
        KEY,
        SECRET,
        SECRET.upper(),
        KEY.lower(),
        PAIR.lower(),
        PAIR.rstrip("="),
        PAIR[:11],
        PAIR[7:],
        SECRET[:-9],
        SECRET[9:],
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote(quote(SECRET, safe=""), safe=""),
        "".join(f"%{ord(character):02x}" for character in SECRET),
        "".join(f"&#{ord(character)};" for character in SECRET),
        "".join(f"&#x{ord(character):X};" for character in SECRET),
        "".join(f"\\u{ord(character):04x}" for character in SECRET),
        SECRET.replace("/", "\\/"),
        SECRET.replace("+", "&plus;"),
        base64.urlsafe_b64encode(f"{KEY}:{SECRET}".encode()).decode(),
    ],
)
def test_a_secret_is_redacted_in_every_form(text: str) -> None:
    assert redactor().redact(text) == "***"
    assert redactor().redact(f"no such key: {text}, sorry") == "no such key: ***, sorry"


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_secret_inside_longer_base64_is_redacted(before: str) -> None:
    encoded = base64.b64encode(f"{before}{SECRET}tail".encode()).decode()
    shown = redactor().redact(encoded)
    assert "***" in shown
    assert len(shown) <= 3 + 5 + 8  # besides the mark: what is before and after the secret


def test_a_bearer_token_is_redacted_with_its_scheme() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    text = f"Bearer {token} is not valid: {token[:15]}..."
    assert redactor(f"Bearer {token}").redact(text) == "*** is not valid: ***..."


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        ("a", "Invalid credentials for a", "Invalid credentials for ***"),
        ("key", "wrong key, see access_key", "wrong ***, see access_key"),
        ("KEYS", "keys of the monkeys: KEYS", "*** of the monkeys: ***"),
        ("k:1", "k:1 k:12", "*** k:12"),
        ("1234567", "12345678 1234567", "12345678 ***"),
    ],
)
def test_a_short_secret_is_redacted_only_as_a_whole_token(key: str, text: str, shown: str) -> None:
    assert redactor(f"Bearer {key}").redact(text) == shown


def test_a_pair_of_short_secrets_is_redacted_as_a_pair_too() -> None:
    header = "Basic " + base64.b64encode(b"a:key").decode()
    assert redactor(header).redact(f"{header}; a:key; monkey") == "***; ***; monkey"


def test_ordinary_text_is_left_alone() -> None:
    text = "Gong answered 401: Invalid credentials, 100% of 3 > 2 &amp; so on \\u12 =3"
    assert redactor(policy=RedactionPolicy()).redact(text) == text


@pytest.mark.parametrize(
    "address",
    [
        "jane@acme.example",
        "Jane.Doe+x@ACME.example",
        "jane%40acme.example",
        "jane%2540acme.example",
        "jane&#64;acme.example",
        "jane&#x40;acme.example",
        "jane&commat;acme.example",
        r"jane\u0040acme.example",
        r"jane\x40acme.example",
        "jane=40acme.example",
        "jane @ acme.example",
        "jane@ acme.example",
        "jane @acme.example",
        "jane\u00a0@\tacme.example",
        '"jane doe"@acme.example',
        r'"jane \"jd\" doe"@acme.example',
        '"jane@home"@acme.example',
        "o'brien@acme.example",
        "jane(work)@acme.example",
        "jane@(work)acme.example",
        "jane@[192.0.2.1]",
        "jane@[IPv6:2001:db8::1]",
        "jane@b\u00fccher.example",
        "jane\uff20acme.example",
        "jane.q.public@",
        "jane@localhost",
    ],
)
def test_an_address_is_hidden_in_every_form(address: str) -> None:
    assert Redactor().redact(address) == "(hidden)"
    assert Redactor().redact(f"no user {address}, sorry") == "no user (hidden), sorry"
    assert Redactor(PLAIN).redact(address) == address


def test_what_delimits_an_address_stays() -> None:
    text = '<jane@acme.example>, \'bob@acme.example\' {"e":"x@y.example"} &lt;z%40y.example&gt;'
    shown = '<(hidden)>, \'(hidden)\' {"e":"(hidden)"} &lt;(hidden)&gt;'
    assert Redactor().redact(text) == shown


def test_another_policy_changes_what_is_hidden_and_keeps_the_headers_that_were_sent() -> None:
    made = redactor()
    text = f"jane@acme.example {SECRET} hunter2hunter2"
    assert made.redact(text) == "jane@acme.example *** hunter2hunter2"
    made.use(RedactionPolicy(secrets=("hunter2hunter2",)))
    assert made.redact(text) == "(hidden) *** ***"
    made.use(PLAIN)
    assert made.redact(text) == "jane@acme.example *** hunter2hunter2"


def test_rotated_credentials_stay_redacted_for_a_while_and_not_for_ever() -> None:
    made = Redactor(PLAIN)
    tokens = [f"{number:02}-token-of-some-length"[::-1] for number in range(20)]
    for token in tokens:
        made.add_authorization(f"Bearer {token}-{token.upper()}")
    assert made.redact(tokens[-1]) == made.redact(tokens[-8]) == "***"
    assert len(made._rules.headers) == 8


def test_addresses_are_hidden_until_a_policy_says_otherwise() -> None:
    assert Redactor().redact("jane@acme.example") == "(hidden)"


@pytest.mark.parametrize("limit", range(1, 70))
def test_text_is_redacted_before_it_is_shortened(limit: int) -> None:
    said = f"no jane.q.public@acme.example with {SECRET}"
    hidden = redactor(policy=RedactionPolicy()).shorten(said, limit)
    assert hidden == "no (hidden) with ***"[:limit]
    # What an earlier policy showed must still be recognised by a stricter one.
    shown = redactor().shorten(said, limit)
    assert len(shown) <= limit
    assert Redactor().redact(shown) in {"no (hidden) with ***"[: len(shown)], "n", "no", "no "} or (
        Redactor().redact(shown).startswith("no (hidden)")
    )


HOSTILE = ("x", "@", "a@", '"@', "%40", '\\"@', "&", "(", " @", "%25", ")@")


@pytest.mark.parametrize("text", [piece * (2**16 // len(piece)) for piece in HOSTILE], ids=HOSTILE)
def test_a_hostile_text_takes_linear_time(text: str) -> None:
    made = redactor(policy=RedactionPolicy())
    began = time.process_time()
    made.redact(text)
    # Measured: 0.02 to 0.2 s; a quadratic search takes minutes.
    assert time.process_time() - began < 10


@given(
    secret=st.text(VISIBLE_ASCII, min_size=MIN_PIECE, max_size=60),
    before=st.text(max_size=10),
    after=st.text(max_size=10),
    data=st.data(),
)
def test_no_piece_of_any_secret_is_left(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    forms = [secret, secret.swapcase(), quote(secret, safe=""), escape(secret)]
    form = data.draw(st.sampled_from([*forms, json.dumps(secret)[1:-1]]))
    made = redactor(f"Bearer {secret}")
    shown = made.redact(before + form + after)
    assert form not in shown or form in before + after
    assert "***" in shown


@given(st.text(max_size=200))
def test_text_without_secrets_and_signs_is_unchanged(text: str) -> None:
    text = text.translate(dict.fromkeys(map(ord, "@\uff20\ufe6b%&=\\")))
    assert Redactor().redact(text) == text
    assert redactor().shorten(text, 50) == text[:50]


@given(st.text(max_size=200))
def test_redaction_is_stable(text: str) -> None:
    made = redactor(policy=RedactionPolicy())
    once = made.redact(text)
    assert made.redact(once) == once
