"""The envelope opens what WeCom sealed and refuses everything else in one way."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto

from connectors.wecom.envelope import Envelope, Signed
from connectors.wecom.errors import CallbackRefused, Reason
from tests.unit.connectors.wecom.conftest import AES_KEY, CORP, NOW

SEALER = Envelope(token="callbacktoken", aes_key=AES_KEY, corp_id=CORP)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def reason_of(envelope: Envelope, body: str | bytes, signed: Signed) -> Reason:
    with pytest.raises(CallbackRefused) as caught:
        envelope.open(body if isinstance(body, bytes) else body.encode(), signed, now=NOW)
    return caught.value.reason


@given(TEXTS)
def test_what_was_sealed_is_opened_unchanged(text: str) -> None:
    body, signed = SEALER.seal(text, now=NOW, agent_id="1000002")
    letter = SEALER.open(body.encode(), signed, now=NOW)
    assert (letter.xml, letter.agent_id) == (text, "1000002")


@given(TEXTS)
def test_the_library_itself_reads_what_we_seal(text: str) -> None:
    body, signed = SEALER.seal(text, now=NOW)
    theirs = WeChatCrypto("callbacktoken", AES_KEY, CORP)
    assert theirs.decrypt_message(body, signed.signature, signed.timestamp, signed.nonce) == text


@given(st.binary(max_size=200), st.text(max_size=50), st.text(max_size=20), st.text(max_size=20))
def test_noise_is_refused_and_nothing_else(body: bytes, signature: str, timestamp: str, nonce: str) -> None:
    with pytest.raises(CallbackRefused):
        SEALER.open(body, Signed(signature, timestamp, nonce), now=NOW)


@given(st.binary(max_size=200))
def test_rightly_signed_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    encrypted = base64.b64encode(noise).decode()
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
    with pytest.raises(CallbackRefused):
        SEALER.open(body, SEALER.sign(encrypted, now=NOW), now=NOW)


@given(st.binary(min_size=32, max_size=128).map(lambda raw: raw[: len(raw) // 32 * 32]))
def test_rightly_encrypted_noise_is_refused_and_nothing_else(plain: bytes) -> None:
    cipher = PrpCrypto(base64.b64decode(AES_KEY + "=")).cipher
    encrypted = base64.b64encode(cipher.encrypt(plain)).decode()
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
    with pytest.raises(CallbackRefused):
        SEALER.open(body, SEALER.sign(encrypted, now=NOW), now=NOW)


def test_a_length_beyond_the_end_is_refused(envelope: Envelope) -> None:
    plain = b"r" * 16 + struct.pack(">I", 2**31) + b"<xml/>" + CORP.encode()
    padding = 32 - len(plain) % 32
    cipher = PrpCrypto(base64.b64decode(AES_KEY + "=")).cipher
    encrypted = base64.b64encode(cipher.encrypt(plain + bytes([padding]) * padding)).decode()
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>"
    assert reason_of(envelope, body, envelope.sign(encrypted, now=NOW)) is Reason.MALFORMED


def test_a_wrong_signature_is_refused(envelope: Envelope) -> None:
    body, signed = envelope.seal("<xml/>", now=NOW)
    assert reason_of(envelope, body, replace(signed, signature="0" * 40)) is Reason.SIGNATURE
    assert reason_of(envelope, body, replace(signed, nonce="other")) is Reason.SIGNATURE


def test_another_token_is_refused(envelope: Envelope) -> None:
    body, signed = replace(envelope, token="othertoken").seal("<xml/>", now=NOW)
    assert reason_of(envelope, body, signed) is Reason.SIGNATURE


def test_another_corp_is_refused(envelope: Envelope) -> None:
    body, signed = replace(envelope, corp_id="wwother").seal("<xml/>", now=NOW)
    assert reason_of(envelope, body, signed) is Reason.CORP


def test_another_key_is_refused(envelope: Envelope) -> None:
    body, signed = replace(envelope, aes_key=AES_KEY[::-1]).seal("<xml/>", now=NOW)
    assert reason_of(envelope, body, signed) in (Reason.MALFORMED, Reason.CORP)


@pytest.mark.parametrize("away_s", [-301, 301])
def test_a_timestamp_too_far_from_now_is_refused(envelope: Envelope, away_s: int) -> None:
    body, signed = envelope.seal("<xml/>", now=NOW + timedelta(seconds=away_s))
    assert reason_of(envelope, body, signed) is Reason.STALE


@pytest.mark.parametrize("away_s", [-299, 0, 299])
def test_a_timestamp_near_now_is_taken(envelope: Envelope, away_s: int) -> None:
    body, signed = envelope.seal("<xml/>", now=NOW + timedelta(seconds=away_s))
    assert envelope.open(body.encode(), signed, now=NOW).xml == "<xml/>"


@pytest.mark.parametrize("stamp", ["", "-5", "1e9", "９", "9" * 40, "nan"])
def test_an_odd_timestamp_is_refused(envelope: Envelope, stamp: str) -> None:
    body, signed = envelope.seal("<xml/>", now=NOW)
    assert reason_of(envelope, body, replace(signed, timestamp=stamp)) in (Reason.MALFORMED, Reason.SIGNATURE)


def test_a_truncated_body_is_refused(envelope: Envelope) -> None:
    body, signed = envelope.seal("<xml><MsgType>text</MsgType></xml>", now=NOW)
    for end in range(0, len(body), 7):
        assert reason_of(envelope, body[:end], signed) is Reason.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE xml [<!ENTITY a "x">]><xml><Encrypt>&a;</Encrypt></xml>',
        '<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml><Encrypt>a</Encrypt></xml>',
        '<?xml version="1.0" encoding="nonsense"?><xml><Encrypt>a</Encrypt></xml>',
        "<html><Encrypt>a</Encrypt></html>",
        "<xml></xml>",
        "{}",
        "",
    ],
)
def test_a_body_that_is_no_envelope_is_refused(envelope: Envelope, body: str) -> None:
    assert reason_of(envelope, body, Signed("0" * 40, "1", "n")) is Reason.MALFORMED


def test_a_key_of_another_length_is_refused_at_the_start() -> None:
    for length in (42, 44):
        with pytest.raises(ValueError, match="43"):
            Envelope(token="t", aes_key="a" * length, corp_id=CORP)


def test_secrets_do_not_show_in_the_representation(envelope: Envelope) -> None:
    assert AES_KEY not in repr(envelope)
    assert "callbacktoken" not in repr(envelope)
