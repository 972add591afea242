"""MoDE over a public ELIC and a public VQGAN: sizes, training, files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mode_core.checkpoints import convert
from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.codecs.elic.public import ElicPublic
from mode_core.codecs.elic.public_layers import ElicPublicConfig
from mode_core.codecs.mode import training as stages_mode
from mode_core.codecs.mode.net import Mode, ModeConfig
from mode_core.codecs.registry import load_codec
from mode_core.codecs.vq.public import VqPublic, VqPublicConfig
from mode_core.pictures.files import read_image, write_png
from mode_core.stream.container import Bitstream
from mode_core.training.checkpoint import facts_of, save_weights, stored
from mode_core.training.losses import Lpips
from mode_core.training.stage import Setup
from mode_core.types import Anchor
from mode_core.weights.sets import FOLDER_VARIABLE, WeightsSet, find_weights
from tests.codecs.vq.test_public import toy
from tests.conftest import Shell, make_photo
from tests.made_up.public_nets import chandelier_names, reference, save

pytestmark = pytest.mark.slow
PUBLIC = "--codec mode --profile public --bpp 0.3"
ANCHORS = ("fidelity", "perception", "0.5", "sq-expert", "vq-expert")


def test_full_size_is_that_of_the_spec() -> None:
    with torch.device("meta"):
        experts = ElicPublic(ElicPublicConfig()), VqPublic(VqPublicConfig())
        net = Mode(*experts, ModeConfig.public())  # type: ignore[arg-type]
    assert experts[0].synthesis.widths == [320, 192, 192, 192]
    assert experts[1].synthesis.widths == [512, 256, 256, 128]
    enhancing = sum(p.numel() for p in net.ese.parameters())
    modulating = sum(p.numel() for p in net.cem.parameters())
    assert enhancing / 1e6 == pytest.approx(0.44 + 0.84, abs=0.02)
    assert modulating / 1e6 == pytest.approx(1.45 + 1.71, abs=0.03)


def test_levels_of_the_public_elic_add_up_to_its_synthesis() -> None:
    torch.manual_seed(0)
    net = ElicPublic(ElicPublicConfig(width=16, groups=(4, 4, 8, 8, 24))).eval()
    y, at = torch.randn(1, 48, 4, 6), torch.zeros(1)
    for mode in (torch.inference_mode(), torch.enable_grad()):
        with mode:
            features, shapes = y.clone(), []
            for index in range(4):
                features = net.level(index, features, at)
                shapes.append(tuple(features.shape[1:]))
            kept = features.clone()
            assert torch.equal(net.head(features, y), net.synthesise(y.clone(), at))
            assert torch.equal(features, kept)
    assert shapes == [(48, 4, 6), (16, 8, 12), (16, 16, 24), (16, 32, 48)]


# ── trained and used by commands ───────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy experts, imported, and photos: for copying."""
    folder = tmp_path_factory.mktemp("experts")
    states = {"elic": chandelier_names(reference("chandelier")), "vq": toy().state_dict()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "cache"))
        # how well toys do is of no use here, and takes longer than all else
        patch.setattr(convert, "measured_rate", lambda _: {"bpp": "0.1", "mse": "1"})
        for codec, state in states.items():
            import_checkpoint(codec, Origin(save(state, folder / f"{codec}.pth")), "", codec)
    (folder / "photos").mkdir()
    for index in range(50):
        write_png(folder / "photos" / f"{index}.png", make_photo(256, 256, index))
    return folder


@pytest.fixture
def home(home: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same for a test of its own, and a toy size for MoDE."""
    monkeypatch.setitem(stages_mode.WIDTHS, "public", ModeConfig(hidden=(8, 8, 8, 8)))
    monkeypatch.setattr(stages_mode, "load_lpips", lambda _: Lpips())
    shutil.copytree(made / "cache", home)
    (home.parent / "photos").symlink_to(made / "photos")
    return home.parent


def training(home: Path) -> tuple[str | Path, ...]:
    """The words of a command that trains MoDE for a moment."""
    words = "--minutes 0.02 --batch 1 --device cpu --held-out 1"
    return "train mode", words, "--photos", home / "photos", "--out", home / "run"


def starts(home: Path) -> list[str]:
    return [f"--start {codec}={home / 'cache' / codec}" for codec in ("elic", "vq")]


def packed(home: Path, shell: Shell) -> WeightsSet:
    shell.does(*training(home), "--width public", *starts(home))
    shell.does("weights pack", home / "run", "--photos", home / "photos")
    return find_weights("mode", "public")


def decoded(home: Path, photo: Path, shell: Shell) -> dict[str, np.ndarray]:
    shell.does("encode", photo, home / "a.mode", PUBLIC)
    pictures = {}
    for anchor in ANCHORS:
        load_codec.cache_clear()
        shell.does("decode", home / "a.mode", home / "a.png", "--anchor", anchor)
        pictures[anchor] = read_image(home / "a.png").astype(int)
    return pictures


@pytest.mark.training
def test_a_run_on_imported_experts_becomes_a_codec(home: Path, shell: Shell) -> None:
    found = packed(home, shell)
    assert found.folder.parent == home / "cache"
    assert "elic: none stated" in found.facts["licence"]
    photo = home / "p.png"
    write_png(photo, make_photo(70, 100))
    pictures = decoded(home, photo, shell)
    assert {p.shape for p in pictures.values()} == {(70, 100, 3)}
    for end in ("fidelity", "perception"):
        assert np.abs(pictures["0.5"] - pictures[end]).mean() > 1
    file = Bitstream.from_bytes((home / "a.mode").read_bytes())
    codec = load_codec("mode", "public")
    alone = codec.decode(file.without(0), Anchor.FIDELITY)
    assert np.array_equal(alone, pictures["sq-expert"])


def test_before_training_each_anchor_is_its_expert_which_must_be_here(
    home: Path, shell: Shell
) -> None:
    sets = {codec: home / "cache" / codec for codec in ("elic", "vq")}
    rig = stages_mode.assemble(Setup("public", None, sets))
    facts = {"stage": "mode", "codec": "mode", "width": "public"}
    (home / "run").mkdir()
    save_weights(home / "run", stored(rig.net), facts | rig.facts | facts_of(rig.net))
    shell.does("weights pack", home / "run", "--photos", home / "photos")
    write_png(home / "p.png", make_photo(64, 128))
    pictures = decoded(home, home / "p.png", shell)
    assert np.array_equal(pictures["fidelity"], pictures["sq-expert"])
    assert np.array_equal(pictures["perception"], pictures["vq-expert"])
    assert not np.array_equal(pictures["fidelity"], pictures["perception"])
    (home / "cache" / "vq").rename(home / "away")
    load_codec.cache_clear()
    message = shell.refuses("encode", home / "p.png", home / "a.mode", PUBLIC)
    assert "needs the imported vq weights with the tag" in message


def test_only_enhancement_and_modulation_learn(home: Path) -> None:
    sets = {codec: home / "cache" / codec for codec in ("elic", "vq")}
    rig = stages_mode.assemble(Setup("public", None, sets)).train()
    x = torch.rand(2, 3, 64, 64)
    loss, _ = stages_mode.loss(rig, x, 0.5, torch.Generator().manual_seed(0))
    loss.backward()
    moved = {name for name, p in rig.net.named_parameters() if p.grad is not None and p.grad.any()}
    gates = {f"cem.{level}.{branch}.gamma" for level in range(4) for branch in (0, 1)}
    assert gates <= moved
    for expert in (rig.net.elic, rig.net.vq):
        assert all(p.grad is None and not p.requires_grad for p in expert.parameters())


def test_experts_and_width_go_together(home: Path, shell: Shell) -> None:
    first = shell.refuses(*training(home), "--width tiny", *starts(home))
    message = shell.refuses(*training(home), "--width public", *starts(home)[:1])
    assert "--width public, and no other" in first + message
    assert not (home / "run").exists()
