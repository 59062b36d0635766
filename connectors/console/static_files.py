"""The console's own script, style and icon: read once, under names that change with their bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from connectors.console.viewing import HOME

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class StaticFiles:
    """Files by the name they are served under."""

    contents: dict[str, bytes]
    served: dict[str, str]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> StaticFiles:
        """Every script, style and picture in `folder`."""
        contents, served = {}, {}
        for path in sorted(folder.iterdir()):
            if path.suffix not in _TYPES:
                continue
            body = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
            contents[name], served[path.name] = body, name
        return cls(contents, served)

    def address(self, name: str) -> str:
        """Where a file is served. Raises: KeyError for an unknown one."""
        return f"{HOME}/static/{self.served[name]}"

    def routes(self) -> APIRouter:
        """The one open route besides sign-in."""
        router = APIRouter()

        @router.get("/static/{name}")
        async def static(name: str) -> Response:
            if name not in self.contents:
                raise HTTPException(404)
            return Response(self.contents[name], media_type=_TYPES[Path(name).suffix], headers=_FOREVER)

        return router
