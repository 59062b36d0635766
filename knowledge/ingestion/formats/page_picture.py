"""One page of a PDF as a picture, for the side-by-side view. Runs in the child process like every parser."""

from __future__ import annotations

import io

from knowledge.errors import DocumentRefused

_MAX_WIDTH = 2_000
_MAX_PIXELS = 6_000_000


def render(data: bytes, page: int, *, width: int = 900) -> bytes:
    """A PNG of page `page` (from 1), `width` pixels wide; narrower where the page is so tall that it would be huge.

    Raises: DocumentRefused (encrypted, broken, no_page).
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(reason="encrypted" if "assword" in str(exc) else "broken") from exc
    try:
        if not 1 <= page <= len(document):
            raise DocumentRefused(reason="no_page")
        sheet = document[page - 1]
        across, down = sheet.get_size()
        if across <= 0 or down <= 0:
            raise DocumentRefused(reason="broken")
        scale = min(max(1, min(width, _MAX_WIDTH)) / across, (_MAX_PIXELS / (across * down)) ** 0.5)
        out = io.BytesIO()
        sheet.render(scale=scale).to_pil().save(out, format="PNG", optimize=True)
        return out.getvalue()
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(reason="broken") from exc
    finally:
        document.close()
