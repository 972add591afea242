"""Files that users of the API send first and name afterwards: in memory, under a secret name."""

from __future__ import annotations

from collections import Counter, OrderedDict
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.http.intake import Chunks, Intake, Refused, check_size, visitor_of
from app.server.archive import is_zip
from app.server.demands import BadRequest
from app.server.store import secret_key
from app.settings import Settings

_AROUND = 64 << 10
"""Bytes that a form may add to its file."""
_EACH = 1 << 10
"""What an entry costs beside its bytes."""


class Uploads:
    """The files that came last; a visitor's equal ones are one, and none fills more than half."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._sizes: Counter[str] = Counter()
        self._lock = Lock()

    def put(self, visitor: str, data: bytes) -> str:
        """The name by which a call gets this file."""
        key = secret_key("upload", visitor, data)
        with self._lock:
            self._drop(key)
            self._kept[key] = visitor, data
            self._sizes[visitor] += len(data) + _EACH
            while self._sizes[visitor] > self.limit // 2:
                self._drop(next(old for old, (whose, _) in self._kept.items() if whose == visitor))
            while self._sizes.total() > self.limit:
                self._drop(next(iter(self._kept)))
        return key

    def named(self, name: object) -> bytes:
        """The file of this name; BadRequest if none came, or newer ones have taken its room."""
        if name is None:
            raise BadRequest("no file was sent")
        with self._lock:
            found = self._kept.get(name) if isinstance(name, str) else None
        if found is None:
            raise BadRequest(
                "this is not a file that was uploaded here, or it is gone; upload it first"
            )
        return found[1]

    @property
    def size(self) -> int:
        """Bytes of all files, and of what keeping them costs."""
        with self._lock:
            return self._sizes.total()

    def _drop(self, key: str) -> None:
        if key in self._kept:
            visitor, data = self._kept.pop(key)
            self._sizes[visitor] -= len(data) + _EACH
            self._sizes += Counter()  # forgets visitors who have none


class _InMemory(MultiPartParser):
    """Starlette's would move files of more than a megabyte to the disk."""

    spool_max_size = 1 << 40


async def take_upload(
    request: Request, settings: Settings, intake: Intake, uploads: Uploads
) -> Response:
    """Answers as Gradio's own upload does, with a list of one name; Refused unless one came.

    A zip of pictures may be larger than a single one.
    """
    async with intake.body(request, settings.zip_bytes + _AROUND) as chunks:
        data = await _one_file(request, chunks)
        check_size(len(data), settings.zip_bytes if is_zip(data) else settings.upload_bytes)
        visitor = visitor_of(request.scope)
        return JSONResponse([await run_in_threadpool(uploads.put, visitor, data)])


async def _one_file(request: Request, chunks: Chunks) -> bytes:
    files = await files_in(request, chunks, 1, "an upload is one file in a form")
    return files[0][1]


async def files_in(
    request: Request, chunks: Chunks, most: int, what: str
) -> list[tuple[str, bytes]]:
    """The files in a form, with the names that they were sent under; Refused unless one came."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, f"{what}, as multipart/form-data")
    try:
        form = await _InMemory(request.headers, chunks, max_files=most, max_fields=8).parse()
    except (MultiPartException, ValueError) as error:
        raise Refused(400, f"{what}, whole and undamaged") from error
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise Refused(400, "no file was sent")
    return [(one.filename or "", await one.read()) for one in files]
