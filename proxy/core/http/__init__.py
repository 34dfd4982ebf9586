"""HTTP/1.1 heads and chunks: bytes in, checked facts and rewritten bytes out."""
