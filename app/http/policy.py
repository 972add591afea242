"""What browsers are told: whose scripts may run on the page, and on whose pages it may stand."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_PAGE = (
    "default-src 'none'; "
    # Gradio runs templates and `js_on_load` through Function(), hence 'unsafe-eval'; its page's
    # own inline scripts are named by their hashes, and no other inline script runs.
    "script-src 'self' 'unsafe-eval' {scripts}; "
    # Gradio, Svelte and plotly write style attributes and elements.
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; "
    "connect-src 'self' blob: data:; manifest-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors {frames}"
)
_ELSE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def page_policy(html: bytes, frames: str) -> str:
    """The Content-Security-Policy of a page: its inline scripts and no others."""
    hashes = (b64encode(sha256(text).digest()).decode() for text in _INLINE.findall(html))
    scripts = " ".join(f"'sha256-{one}'" for one in hashes)
    return _PAGE.format(scripts=scripts, frames=frames)


def headers(policy: str = _ELSE) -> dict[str, str]:
    """What every answer carries."""
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
