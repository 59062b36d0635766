"""Which addresses a model endpoint may have. They come from the settings, never from content."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


def checked_url(base_url: str, *, setting: str = "WAINAO_LLM_BASE_URL", key: str = "WAINAO_LLM_API_KEY") -> str:
    """The endpoint's base URL. Raises: ValueError with what to change: `setting`, or `key` for the key."""
    parts = urlsplit(base_url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{setting} must be http://host[:port]/path or https://host[:port]/path")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{setting} must carry no user, query or fragment: the key is {key}")
    if is_refused(parts.hostname):
        raise ValueError(f"{setting} points to a link-local, multicast or unspecified address")
    return base_url.strip().rstrip("/")


def is_refused(host: str) -> bool:
    """Whether `host` is an address where no model stands: link-local (cloud metadata), multicast, unspecified."""
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_link_local or address.is_multicast or address.is_unspecified


def is_loopback(base_url: str) -> bool:
    """Whether the endpoint stands on this machine, where no proxy may stand between."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK_NAMES
