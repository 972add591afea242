"""The endpoints that gradio_client and curl can call: /compare and /decode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from app.makers import public_makers
from app.service import BadRequest, Service
from app.text import ORIGINAL
from mode_core.errors import ModeError
from mode_core.registry import CODECS


def add_api(service: Service) -> None:
    """Named, typed endpoints; their components are never shown."""

    def compare(image: str | None, bpp: float, codecs: list[str]) -> dict[str, Any]:
        """Encode a picture at one rate with several codecs; rows and addresses of the files."""
        return _answered(lambda: _compare(service, image, bpp, codecs))

    def decode(file: str | None, anchor: str) -> dict[str, Any]:
        """Decode a .mode file: fidelity, perception, a number between 0 and 1, or "" for all."""
        return _answered(lambda: _decode(service, file, anchor))

    own = ["mode-f", "mode-p", "mode-sq", "mode-vq", *(id for id in CODECS if id != "mode")]
    choices = [*own, *public_makers()]
    with gr.Row(visible=False):
        image = gr.File(label="image", type="filepath")
        bpp = gr.Number(0.1, label="bpp")
        codecs = gr.CheckboxGroup(choices, label="codecs")
        file = gr.File(label="file", type="filepath")
        anchor = gr.Textbox("", label="anchor")
        answer = gr.JSON(label="answer")
        go = gr.Button()
    limit = 2 * service.settings.queue_length
    inputs = [image, bpp, codecs]
    go.click(compare, inputs, answer, api_name="compare", concurrency_limit=limit)
    go.click(decode, [file, anchor], answer, api_name="decode", concurrency_limit=limit)


def _compare(service: Service, image: str | None, bpp: float, codecs: list[str]) -> dict[str, Any]:
    photo = service.add_photo(uploaded(image))
    panes = [ORIGINAL, *codecs] if codecs else []
    *_, last = service.compare(photo.key, panes, bpp)
    return _rows(last.as_json())


def _decode(service: Service, file: str | None, anchor: str) -> dict[str, Any]:
    stored = service.add_file(uploaded(file))
    *_, last = service.open_file(stored.key, [anchor] if anchor else [])
    return _rows(last.as_json())


def _rows(answer: dict[str, Any]) -> dict[str, Any]:
    """The panes as rows, with the addresses of picture and file relative to the server."""
    rows = answer.pop("panes")
    return answer | {"rows": rows}


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


def _answered(ask: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = ask()
    except ModeError as error:
        raise gr.Error(str(error), print_exception=False) from error
    return answer
