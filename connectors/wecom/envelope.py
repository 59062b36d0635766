"""The encrypted envelope around every callback: the one place that verifies, decrypts and seals.

wechatpy does the cryptography. What it leaves open is done here: the comparison takes constant time, the age is
checked, and whatever a forged or damaged input makes it raise becomes CallbackRefused.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from wechatpy.crypto import _get_signature
from wechatpy.enterprise.crypto import PrpCrypto
from wechatpy.enterprise.exceptions import InvalidCorpIdException

from connectors.wecom.errors import CallbackRefused, Reason

AES_KEY_LENGTH = 43
_BLOCK = 32  # WeCom pads to 32 bytes, not to the 16 of AES
_RANDOM_BYTES = 16
_LONGEST_STAMP = 11  # digits; int() of an endless one would cost


# wechatpy carries no types
class _SealingCrypto(PrpCrypto):  # type: ignore[misc]
    """wechatpy's cipher with a prefix that cannot be guessed; its own comes from `random`."""

    def get_random_string(self) -> str:
        return secrets.token_hex(_RANDOM_BYTES // 2)


@dataclass(frozen=True, slots=True)
class Signed:
    """The query of a callback as it came in."""

    signature: str
    timestamp: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Letter:
    """An opened callback: the decrypted XML, and the app that the outer envelope names (may be empty)."""

    xml: str
    agent_id: str


@dataclass(frozen=True)
class Envelope:
    """Opens and seals callbacks of one app.

    Args:
        token, aes_key: from the app's callback page; the key has 43 characters.
        corp_id: the expected receiver inside the encryption; empty for the AI bot.
        max_age_s: largest distance of a callback's timestamp from now, both ways.
    """

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    corp_id: str
    max_age_s: int = 300

    def __post_init__(self) -> None:
        if len(self.aes_key) != AES_KEY_LENGTH:
            raise ValueError(f"EncodingAESKey must have {AES_KEY_LENGTH} characters")

    def open(self, body: bytes, signed: Signed, *, now: datetime) -> Letter:
        """The letter inside a POST body. Raises CallbackRefused."""
        outer = parse_xml(body)
        encrypted = outer.findtext("Encrypt") or ""
        return Letter(self._unlock(encrypted, signed, now), (outer.findtext("AgentID") or "").strip())

    def open_echo(self, echo: str, signed: Signed, *, now: datetime) -> str:
        """The text that a URL check wants to see. Raises CallbackRefused."""
        return self._unlock(echo, signed, now)

    def seal(self, text: str, *, now: datetime, agent_id: str = "") -> tuple[str, Signed]:
        """A POST body and its query, as WeCom would send them: for tests, the demo and passive replies."""
        encrypted = self.encrypt(text)
        body = (
            f"<xml><ToUserName><![CDATA[{self.corp_id}]]></ToUserName><AgentID><![CDATA[{agent_id}]]></AgentID>"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        )
        return body, self.sign(encrypted, now=now)

    def encrypt(self, text: str) -> str:
        """The base64 ciphertext of `text` for this corp."""
        return str(_SealingCrypto(self._key).encrypt(text, self.corp_id).decode("ascii"))

    def sign(self, encrypted: str, *, now: datetime) -> Signed:
        """A fresh nonce and the signature over it."""
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(8)
        return Signed(_get_signature(self.token, timestamp, nonce, encrypted), timestamp, nonce)

    @property
    def _key(self) -> bytes:
        return base64.b64decode(self.aes_key + "=")

    def _unlock(self, encrypted: str, signed: Signed, now: datetime) -> str:
        if not (encrypted and signed.signature and signed.timestamp and signed.nonce):
            raise CallbackRefused(Reason.MALFORMED)
        # A str with other characters would make compare_digest or the signer raise.
        if not all(part.isascii() for part in (encrypted, signed.signature, signed.timestamp, signed.nonce)):
            raise CallbackRefused(Reason.MALFORMED)
        expected = _get_signature(self.token, signed.timestamp, signed.nonce, encrypted)
        if not hmac.compare_digest(expected, signed.signature):
            raise CallbackRefused(Reason.SIGNATURE)
        self._refuse_stale(signed.timestamp, now)
        return self._decrypt(encrypted)

    def _refuse_stale(self, timestamp: str, now: datetime) -> None:
        if not timestamp.isdigit() or len(timestamp) > _LONGEST_STAMP:
            raise CallbackRefused(Reason.MALFORMED)
        if abs(now.timestamp() - int(timestamp)) > self.max_age_s:
            raise CallbackRefused(Reason.STALE)

    def _decrypt(self, encrypted: str) -> str:
        cipher: Any = PrpCrypto(self._key)
        try:
            self._refuse_bad_padding(cipher.cipher.decrypt(base64.b64decode(encrypted, validate=True)))
            return str(cipher.decrypt(encrypted, self.corp_id))
        except InvalidCorpIdException as error:
            raise CallbackRefused(Reason.CORP) from error
        except (ValueError, IndexError, struct.error) as error:
            raise CallbackRefused(Reason.MALFORMED) from error

    @staticmethod
    def _refuse_bad_padding(plain: bytes) -> None:
        """wechatpy looks at neither padding nor length: a wrong key must end as refused, not as some text."""
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise ValueError("padding")
        content = plain[_RANDOM_BYTES:-padding]
        if struct.unpack(">I", content[:4])[0] > len(content) - 4:
            raise ValueError("length")


def parse_xml(text: str | bytes) -> Element:
    """The root of one `<xml>` document without DTD and entities. Raises CallbackRefused."""
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    # An unknown encoding is a LookupError, lone surrogates are a UnicodeError, which is a ValueError.
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise CallbackRefused(Reason.MALFORMED) from error
    if root.tag != "xml":
        raise CallbackRefused(Reason.MALFORMED)
    return root
