"""What holds for every kind of foreign checkpoint, whoever published it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.checkpoints.read import CheckpointError
from mode_core.codecs.dlf.net import Dlf, DlfConfig
from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm
from mode_core.codecs.networks import load_net
from mode_core.codecs.vq.public import VqPublic, VqPublicConfig
from mode_core.layers import factorised
from mode_core.pictures.files import read_image, write_png
from mode_core.weights import sets as weights
from tests.codecs.vq.test_public import plain_decode, plain_encode, plain_tokens, toy
from tests.conftest import Shell, make_photo
from tests.made_up import illm_nets
from tests.made_up.plain_metrics import to_unit
from tests.made_up.public_nets import chandelier_names, decoded, reference, save

PUBLISHED: dict[str, tuple[Callable[[], nn.Module], Any, str]] = {
    "ms-illm": (
        lambda: MsIllm(IllmConfig.public()),
        illm_nets.old_names,
        "a856f783a51071159a07f2aa7d576904e327f1eff0e07fd1e051820ab2bfde58",
    ),
    "dlf": (
        lambda: Dlf(DlfConfig.public()),
        nn.Module.state_dict,
        "fb88035f7d9947b32e33fa9f013742542eacadb0536cbc0f7dfebe26f956eaf8",
    ),
    "vq": (  # the VQGAN with 256 codes inside DLF's files
        lambda: VqPublic(VqPublicConfig(codes=256)),
        nn.Module.state_dict,
        "535f057d8bb612f5acefeeec080ba8e0625b27c6f5c71e5515273bf505ae97d0",
    ),
}
"""Full size, its authors' names, and the SHA-256 of the sorted lines "name [shape]" of their file,
without what coding does not need. ELIC's are compared with CompressAI's own class."""


@pytest.mark.parametrize("codec", PUBLISHED)
def test_full_size_has_the_published_names_and_shapes(codec: str) -> None:
    make, named, digest = PUBLISHED[codec]
    with torch.device("meta"):
        state = named(make())
    lines = sorted(f"{name} {list(value.shape)}" for name, value in state.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == digest


@dataclass(frozen=True)
class MadeUp:
    """A small net of one kind: its file, and what its authors' program makes of a picture."""

    state: Callable[[], Any]
    picture: Callable[[Tensor], Tensor]


def illm_picture(x: Tensor) -> Tensor:
    net, at = illm_nets.small(), torch.zeros(1)
    y, _ = net.quantise(net.analyse(padded(x, 64, "reflect")), at)
    return net.synthesise(y, at)


def vq_picture(x: Tensor) -> Tensor:
    w = toy().state_dict()
    return plain_decode(plain_tokens(plain_encode(padded(x, 16, "replicate"), w), w), w)


def padded(x: Tensor, cell: int, how: str) -> Tensor:
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % cell, 0, -height % cell), mode=how)


pytestmark = pytest.mark.slow
CRITIC = {
    "loss.discriminator.main.0.weight": torch.ones(4, 3, 4, 4),
    "loss.logvar": torch.ones(1),
}
"""What training frameworks save beside a VQGAN."""
MADE_UP = {
    "elic": MadeUp(
        lambda: chandelier_names(reference("chandelier")),
        lambda x: decoded(reference("chandelier"), x),
    ),
    "ms-illm": MadeUp(lambda: illm_nets.published(illm_nets.small()), illm_picture),
    "vq": MadeUp(lambda: toy().state_dict() | CRITIC, vq_picture),
}


@pytest.mark.parametrize("codec", MADE_UP)
def test_the_command_line_gives_the_authors_picture(
    codec: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    """Decoding needs no profile, and no bundled weights of that codec."""
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "none")
    file = save({"epoch": 1, "state_dict": MADE_UP[codec].state()}, tmp_path / "a.ckpt")
    photo, made, picture = (tmp_path / name for name in ("p.png", "a.mode", "a.png"))
    write_png(photo, make_photo(70, 90))
    shell.does("weights import", codec, file)
    # coder tables are integers in the set, and nothing makes them anew
    monkeypatch.setattr(factorised, "integer_tables", None)
    shell.does("encode", photo, made, "--codec", codec, "--bpp 0.14 --profile public")
    x = to_unit(make_photo(70, 90))
    with torch.inference_mode():
        expected = MADE_UP[codec].picture(x)[0, :, :70, :90].clamp(0, 1).permute(1, 2, 0)
    for profile in ("", "--profile public"):
        shell.does("decode", made, picture, profile)
        assert np.abs(read_image(picture) - (255 * expected).round().numpy()).max() <= 1


@pytest.mark.parametrize("codec", ["elic", "ms-illm"])
def test_the_tables_of_a_set_are_those_that_code(codec: str, home: Path, tmp_path: Path) -> None:
    file = save(MADE_UP[codec].state(), tmp_path / "a.ckpt")
    found = import_checkpoint(codec, Origin(file), "", "a")
    net, other = load_net(found), load_net(found)
    assert net.prior_tables.cdf.dtype == torch.int32
    with torch.inference_mode():
        y = net.analyse(to_unit(make_photo(64, 64)))
        assert other.write(y, 0) == net.write(y, 0)
        other.prior_tables.cdf[:, 1:-1] = net.prior_tables.cdf[:, 1:-1].flip(0)
        other.prior_tables.size.copy_(net.prior_tables.size.flip(0))
        assert other.write(y, 0) != net.write(y, 0)


@pytest.mark.parametrize("codec", MADE_UP)
def test_a_renamed_tensor_is_refused_and_leaves_nothing(
    codec: str, home: Path, tmp_path: Path
) -> None:
    state = MADE_UP[codec].state()
    name = next(iter(state))
    state[f"{name}.else"] = state.pop(name)
    file = save(state, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=rf"1 missing .* 1 unknown \({name}\.else\)"):
        import_checkpoint(codec, Origin(file), "", "a")
    assert not home.exists() or list(home.iterdir()) == []
