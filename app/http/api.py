"""The endpoints that gradio_client and curl can call: /compare and /decode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, cast

import gradio as gr
from gradio.components.api_component import Api
from gradio.utils import get_upload_folder
from gradio_client.utils import python_type_to_json_schema

from app.explorer.curves import number
from app.panes.names import ORIGINAL, all_panes
from app.server.service import MAX_BPP, MIN_BPP, BadRequest, Service
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
    done: bool


def add_api(service: Service) -> None:
    """Named, typed endpoints; their components are never shown."""

    def compare(image: str | None, bpp: object, codecs: object = None) -> Answer:
        """Encode a picture at one rate with several codecs; rows and addresses of the files."""
        return _answered(lambda: _compare(service, image, bpp, codecs))

    def decode(file: str | None, anchor: str) -> Answer:
        """Decode a .mode file: fidelity, perception, a number between 0 and 1, or "" for all."""
        return _answered(lambda: _decode(service, file, anchor))

    names: Any = {"type": "array", "items": {"enum": all_panes()}}
    with gr.Row(visible=False):
        image = gr.File(label="image", type="filepath")
        bpp = gr.Number(0.1, label="bpp")
        # A gr.CheckboxGroup would refuse unknown names, and None, with a traceback in the log.
        codecs = Api(None, names, "codecs")
        file = gr.File(label="file", type="filepath")
        anchor = gr.Textbox("", label="anchor")
        answer = Api(None, python_type_to_json_schema(Answer), "answer")
        go = gr.Button()
    limit = 2 * service.settings.queue_length
    inputs = [image, bpp, codecs]
    go.click(compare, inputs, answer, api_name="compare", concurrency_limit=limit)
    go.click(decode, [file, anchor], answer, api_name="decode", concurrency_limit=limit)


def _compare(service: Service, image: str | None, bpp: object, codecs: object) -> Answer:
    data, rate, named = uploaded(image), rate_of(bpp), codecs_of(codecs)
    photo = service.add_photo(data)
    *_, last = service.compare(photo.key, [ORIGINAL, *named] if named else [], rate)
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


def _decode(service: Service, file: str | None, anchor: str) -> Answer:
    stored = service.add_file(uploaded(file))
    *_, last = service.open_file(stored.key, [anchor] if anchor else [])
    return _rows(last.as_json())


def _rows(answer: dict[str, Any]) -> Answer:
    rows = answer.pop("panes")
    return cast(Answer, answer | {"rows": rows})


def uploaded(path: str | None) -> bytes:
    """The bytes of a file that was uploaded to this server; any other path is refused."""
    if path is None:
        raise BadRequest("no file was sent")
    real, folder = Path(path).resolve(), Path(get_upload_folder()).resolve()
    if not real.is_relative_to(folder) or not real.is_file():
        raise BadRequest("this is not a file that was uploaded here")
    data = real.read_bytes()
    # Gradio keeps uploads for a while; nothing needs this one any more.
    real.unlink(missing_ok=True)
    return data


def _answered(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except ModeError as error:
        raise gr.Error(str(error), print_exception=False) from error
