"""The endpoints that gradio_client and curl can call: /compare, /decode and /view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, cast

import gradio as gr
from gradio.components.api_component import Api
from gradio.data_classes import FileData, ListFiles
from gradio_client.utils import python_type_to_json_schema

from app.explorer.curves import number
from app.http.listeners import asker
from app.http.uploads import Uploads
from app.http.viewing import Wish, viewed
from app.panes.names import ORIGINAL, all_panes
from app.panes.weights import sentence
from app.server.demands import MAX_BPP, MIN_BPP, BadRequest
from app.server.queue import Question
from app.server.service import Service
from mode_core.errors import ModeError


class Answer(TypedDict):
    """What both endpoints give; addresses in the rows are relative to the server."""

    image: str
    width: int
    height: int
    notes: list[str]
    has_original: bool
    bpp: float
    rows: list[dict[str, Any]]
    note: str
    position: int | None
    wait_s: float | None
    done: bool


_LIST_OF_NAMES: Any = {"type": "array", "items": {"type": "string"}}
_LIST_OF_BYTES: Any = {"type": "array", "items": {"type": "integer"}}
_GRADIO_S: Any = None
"""Gradio puts the request in its place; behind a value that may be left out it needs one."""


def _file(label: str, example: str) -> Api:
    """A file, of which a call holds the name that its upload was answered with.

    A gr.File would copy it to the disk, and fetch addresses.
    """
    shown: Any = {"path": example, "url": example, "meta": {"_type": "gradio.FileData"}}
    file = Api(None, FileData.model_json_schema(), label)
    # A class of our own would be noted by Gradio in a .pyi file beside this one.
    file.example_payload = file.example_value = lambda: shown  # type: ignore[method-assign]
    return file


def _names() -> Any:
    """What a list of codecs may hold."""
    with_rate = {"type": "string", "pattern": r"^[^@]+@\d*\.?\d+$", "examples": ["elic@0.05"]}
    return {"type": "array", "items": {"anyOf": [{"enum": all_panes()}, with_rate]}}


def _files(label: str, example: str) -> Api:
    """Several of them."""
    one = _file(label, example)
    files = Api(None, ListFiles.model_json_schema(), label)
    shown: Any = [one.example_payload()]
    files.example_payload = files.example_value = lambda: shown  # type: ignore[method-assign]
    return files


def add_api(service: Service, uploads: Uploads, demo: gr.Blocks) -> None:
    """Named, typed endpoints; their components are never shown."""

    def compare(
        image: object, bpp: object, codecs: object = None, request: gr.Request = _GRADIO_S
    ) -> Answer:
        """Encode a picture with several codecs at one rate, or its own, as elic@0.05."""
        who = asker(demo, request)
        return _answered(lambda: _compare(service, uploads.named(image), bpp, codecs, who))

    def decode(file: object, anchor: str, request: gr.Request) -> Answer:
        """Decode a .mode file: fidelity, perception, a number between 0 and 1, or "" for all."""
        who = asker(demo, request)
        return _answered(lambda: _decode(service, uploads.named(file), anchor, who))

    def view(
        original: object,
        pictures: object,
        names: object = None,
        bytes: object = None,
        image: object = "",
        request: gr.Request = _GRADIO_S,
    ) -> Answer:
        """Measure pictures decoded elsewhere, or zips of at most 24 images, by their original."""
        wish = Wish(uploads, original, pictures, names, bytes, image)
        who = asker(demo, request)
        return _answered(lambda: _rows(viewed(service, wish, who)))

    with gr.Row(visible=False):
        image = _file("image", "photo.jpg")
        bpp = gr.Number(0.1, label="bpp")
        # A gr.CheckboxGroup would refuse unknown names, and None, with a traceback in the log.
        codecs = Api(None, _names(), "codecs")
        codecs.api_info = _names  # type: ignore[method-assign]  # they come and go with weights
        file = _file("file", "photo.mode")
        anchor = gr.Textbox("", label="anchor")
        answer = Api(None, python_type_to_json_schema(Answer), "answer")
        go = gr.Button()
        original, pictures = _file("original", "photo.png"), _files("pictures", "decoded.png")
        named = Api(None, _LIST_OF_NAMES, "names")
        sizes = Api(None, _LIST_OF_BYTES, "bytes")
        chosen = gr.Textbox("", label="image")
    limit = service.most_at_once
    inputs = [image, bpp, codecs]
    go.click(compare, inputs, answer, api_name="compare", concurrency_limit=limit)
    go.click(decode, [file, anchor], answer, api_name="decode", concurrency_limit=limit)
    inputs = [original, pictures, named, sizes, chosen]
    go.click(view, inputs, answer, api_name="view", concurrency_limit=limit)


def _compare(
    service: Service, image: bytes, bpp: object, codecs: object, asker: Question
) -> Answer:
    rate, named = rate_of(bpp), codecs_of(codecs)
    photo = service.add_photo(image, asker.visitor, asker.listening)
    panes = [ORIGINAL, *named] if named else []
    *_, last = service.compare(photo.key, panes, rate, asker)
    return _rows(last.as_json())


def rate_of(bpp: object) -> float:
    """The rate as a number, also where it came as text."""
    if (rate := number(bpp)) is None:
        raise BadRequest(
            f"bpp is {bpp!r:.40}; it must be a number between {MIN_BPP} and {MAX_BPP:g}"
        )
    return rate


def codecs_of(names: object) -> list[str]:
    """The names that were given; None and an empty list stand for the usual ones."""
    match names:
        case None:
            return []
        case str():
            return [names]
        case list() if all(isinstance(name, str) for name in names):
            return names
    raise BadRequest(f"codecs is {names!r:.40}; it must be a list of names, as ['mode-f', 'jpeg']")


def _decode(service: Service, file: bytes, anchor: str, asker: Question) -> Answer:
    stored = service.add_file(file, asker.visitor)
    *_, last = service.open_file(stored.key, [anchor] if anchor else [], asker)
    return _rows(last.as_json())


def _rows(answer: dict[str, Any]) -> Answer:
    rows = answer.pop("panes")
    for word in ("others", "pace"):  # only the page waits, and is asked
        del answer[word]
    return cast(Answer, answer | {"rows": rows})


def _answered(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except ModeError as error:
        raise gr.Error(sentence(error), print_exception=False) from error
