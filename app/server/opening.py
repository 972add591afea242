"""The picture that opens first, decoded ahead of time so that nobody waits for it.

python -m app.server.opening     makes it anew; needed whenever weights change, and a test says so
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app.panes.names import DEFAULT_PANES, ORIGINAL, default_panes
from app.panes.weights import parts_of
from app.server.jobs import anchor_of
from app.server.runner import Runner
from app.server.samples import SAMPLES
from app.server.service import Service
from app.server.snapshot import Comparison, Slot
from app.server.store import Decoded, recon_key
from app.settings import Settings
from mode_core.metrics import Measured, measurable
from mode_core.pictures.files import read_image
from mode_core.settings import ASSETS
from mode_core.stream.container import Bitstream
from mode_core.types import Reconstruction

FOLDER = ASSETS / "opening"
LISTED = "panes.json"
PICTURE, BPP = SAMPLES[0].id, 0.1
_NOT_STORED = "not measured for the picture that opens first"


def opening(service: Service, folder: Path | None = None) -> dict[str, Any]:
    """What the page shows at once: the six panes, or the original while codecs are at work."""
    folder = folder or FOLDER
    listed = folder / LISTED
    photo = service.photo(PICTURE)
    service.store.pin(photo.key, photo)
    slots = [Slot.of(photo)]
    chosen, note = default_panes(service.settings.profile)
    if not listed.is_file() or chosen != default_panes()[0]:
        # Nothing that may be in memory just now: it is not kept for as long as this is shown.
        slots += [Slot(id) for id in chosen if id != ORIGINAL]
        return Comparison(PICTURE, photo, BPP, slots, note).as_json()
    for record in json.loads(listed.read_text(encoding="utf-8")):
        decoded, measured = _read(folder, record, photo.key)
        service.store.pin(decoded.key, decoded)
        service.metrics.pin(decoded.key, measured)
        slots.append(Slot.of(decoded, measured=measured))
    return Comparison(PICTURE, photo, BPP, slots, done=True).as_json()


def make(service: Service, folder: Path = FOLDER) -> None:
    """Write the pictures and files of the six default panes, and what is known of them."""
    panes, missing = default_panes()
    if missing:
        sys.exit(missing)
    *_, last = service.compare(PICTURE, panes, BPP)
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for slot in last.slots:
        decoded = service.store.get(slot.key)
        if isinstance(decoded, Decoded):
            records.append(_write(folder, slot, decoded))
    if len(records) != len(DEFAULT_PANES) - 1:
        sys.exit("; ".join(slot.error for slot in last.slots if slot.error))
    (folder / LISTED).write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def _write(folder: Path, slot: Slot, decoded: Decoded) -> dict[str, Any]:
    picture, measured = decoded.picture, slot.measured or Measured({}, {})
    (folder / f"{slot.id}.png").write_bytes(decoded.png)
    (folder / f"{slot.codec}.mode").write_bytes(picture.file)
    return {
        "id": slot.id,
        "codec": slot.codec,
        "anchor": slot.anchor,
        "label": picture.label,
        "encode_s": round(picture.encode_s or 0, 3),
        "decode_s": round(picture.decode_s, 3),
        "note": picture.note,
        "values": dict(measured.values),
    }


def _read(folder: Path, record: dict[str, Any], photo: str) -> tuple[Decoded, Measured]:
    png = (folder / f"{record['id']}.png").read_bytes()
    file = (folder / f"{record['codec']}.mode").read_bytes()
    codec, profile = parts_of(record["codec"])
    picture = Reconstruction(
        codec=codec,
        profile=profile,
        anchor=anchor_of(record["anchor"]),
        label=record["label"],
        image=read_image(png),
        file=file,
        bitstream=Bitstream.from_bytes(file),
        target_bpp=BPP,
        encode_s=record["encode_s"],
        decode_s=record["decode_s"],
        note=record["note"],
    )
    key = recon_key(photo, record["codec"], picture.anchor, BPP)
    values = record["values"]
    missing = {name: _NOT_STORED for name in measurable() if name not in values}
    return Decoded(key, photo, picture, png), Measured(values, missing)


if __name__ == "__main__":
    runner = Runner(Settings())
    try:
        make(Service(Settings(), runner))
    finally:
        runner.close()
