"""The audit log: read, filtered, proven whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from connectors.console.console import Console


def routes(console: Console) -> APIRouter:
    """The routes of this page."""
    return APIRouter()
