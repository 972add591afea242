"""Files on the Hugging Face hub, asked for through its own client: it knows their SHA-256."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Thread
from typing import Any

from mode_core.checkpoints.connection import SPAN_S, Address, DownloadError, proxy_of

SCHEME = "hf://"
_NAMED = re.compile(rf"{SCHEME}(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/]+))?/(?P<file>.+)")
_PAGE = re.compile(
    r"https://huggingface\.co/(?P<repo>[\w.-]+/[\w.-]+)/(?:resolve|blob)/(?P<revision>[^/]+)/"
    r"(?P<file>[^?]+)(?:\?.*)?"
)


ANSWERS_S = float(SPAN_S)
"""So long the hub may take to say what a file is; its client waits for ever, byte after byte."""


def is_on_hub(url: str) -> bool:
    """Whether an address is of a model repository there: hf://owner/repository/file, or a page."""
    return url.startswith(SCHEME) or _PAGE.fullmatch(url) is not None


def hub_address(url: str) -> Address:
    """Where the hub has a file now, at the commit that its SHA-256 is of."""
    from huggingface_hub import constants, get_hf_file_metadata, get_token, hf_hub_url
    from huggingface_hub.errors import HFValidationError

    named = _NAMED.fullmatch(url) or _PAGE.fullmatch(url)
    if named is None:
        raise DownloadError("it is not of the form hf://owner/repository/file")
    repo, revision, file = named["repo"], named["revision"], named["file"]
    token = get_token() or ""
    if not re.fullmatch("[!-~]*", token):
        # or it would stand in the words of whoever refuses it
        raise DownloadError("the token in HF_TOKEN, or that of `hf auth login`, is none")
    try:
        found = _in_time(get_hf_file_metadata, hf_hub_url(repo, file, revision=revision))
        at = hf_hub_url(repo, file, revision=found.commit_hash or revision)
    except DownloadError:
        raise
    except Exception as error:
        # the client has errors of its own, of what it stands on, and of what a name may be
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"it answers {status}" if status else str(error).partition("\n")[0]
        proxy = proxy_of(constants.ENDPOINT)
        if proxy and not (status or isinstance(error, HFValidationError)):
            # the client's words may hold parts of the proxy's address, with its password
            reason = f"it cannot be asked by way of {proxy}"
        raise DownloadError(reason, status or 0) from error
    # of small files the tag is another hash, as Git has it
    sha256 = found.etag or ""
    known = re.fullmatch(r"[0-9a-f]{64}", sha256) is not None
    return Address(at, sha256 if known else "", token)


def _in_time(ask: Callable[[str], Any], url: str) -> Any:
    """What the client says of an address; DownloadError if it does not within the limit."""
    from huggingface_hub import close_session

    told: list[Any] = []
    failed: list[Exception] = []

    def asking() -> None:
        try:
            told.append(ask(url))
        except Exception as error:  # raised again where somebody waits for it
            failed.append(error)

    thread = Thread(target=asking, name="hub", daemon=True)
    thread.start()
    thread.join(ANSWERS_S)
    if failed:
        raise failed[0]
    if not told:
        close_session()  # which ends the connection that the thread still waits for
        raise DownloadError(
            f"it has not said in {ANSWERS_S:g} seconds what the file is; run it again"
        )
    return told[0]
