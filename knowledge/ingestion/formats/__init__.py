"""One parser per file format: bytes in, `ExtractedText` out."""
