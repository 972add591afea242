"""Checkpoints from strangers: every wrapping is understood, no code runs, nothing is left."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mode_core.checkpoints import convert, dialects
from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.checkpoints.dialects import find_dialect
from mode_core.codecs import learned
from mode_core.codecs.dialect import Dialect
from mode_core.codecs.identity import family, tag_of, weights_of_tag
from mode_core.codecs.networks import load_net
from mode_core.codecs.registry import find_codec
from mode_core.codecs.roundtrip import load_decoder
from mode_core.errors import CheckpointError, ModeError, WeightsMismatch, WeightsUnavailable
from mode_core.pictures.synthetic import built_in_picture
from mode_core.stream.container import Bitstream
from mode_core.types import Image, Target
from mode_core.weights.sets import WeightsSet
from tests.conftest import PYTHON, ROOT, make_photo, process
from tests.made_up.plain_metrics import to_unit
from tests.made_up.public_nets import chandelier_names, decoded, reference, save

pytestmark = pytest.mark.slow  # CompressAI takes seconds to import
ELIC = find_codec("elic")
State = dict[str, Tensor]
Spoil = Callable[[Tensor], Tensor]


@pytest.fixture(scope="module")
def theirs() -> Any:
    """CompressAI's small ELIC."""
    return reference("chandelier")


@pytest.fixture
def state(theirs: Any) -> State:
    """The same under its first author's names."""
    return chandelier_names(theirs)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set's rate is not what the test is about, and takes the longest."""
    monkeypatch.setattr(convert, "measured_rate", lambda _: {"bpp": "0.1", "mse": "1"})


def drawn_by(found: WeightsSet, image: Image) -> Image:
    codec = learned.FixedRateCodec(ELIC, found)
    return codec.decode(codec.encode(image, Target(bpp=0.3)))


def assert_drawn_as_by(net: Any, drawn: Image, image: Image) -> None:
    """CompressAI's own class makes the same picture, but for the rounding of a level."""
    with torch.inference_mode():
        expected = decoded(net, to_unit(image))
    assert (255 * (to_unit(drawn) - expected)).abs().max() < 1.51


def import_state(state: dict[str, Any], folder: Path) -> WeightsSet:
    return import_checkpoint("elic", Origin(save(state, folder / "s.pth")), "chandelier", "s")


WRAPPED = {
    "plain": lambda s: s,
    "state_dict": lambda s: {"state_dict": s, "epoch": 3, "lr": [1e-4]},
    "module": lambda s: OrderedDict((f"module.{k}", v) for k, v in s.items()),
    "model": lambda s: {"state_dict": {f"model.{k}": v for k, v in s.items()}},
    "both": lambda s: {"epoch": 1, "state_dict": {f"module.{k}": v for k, v in s.items()}},
}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(("wrapping", "old"), [("plain", False), *((one, True) for one in WRAPPED)])
def test_every_wrapping_gives_the_authors_picture(
    wrapping: str, old: bool, theirs: Any, home: Path, tmp_path: Path
) -> None:
    state = chandelier_names(theirs, old)
    # stored coder tables are never trusted
    state["entropy_bottleneck._quantized_cdf"] = torch.full((3, 3), 7, dtype=torch.int32)
    found = import_state(WRAPPED[wrapping](state), tmp_path)
    image = make_photo(67, 101)
    assert_drawn_as_by(theirs, drawn_by(found, image), image)


@pytest.mark.parametrize(("asked", "right"), [("compressai", "chandelier"), ("", "compressai")])
def test_a_sister_dialect_is_not_taken_for_the_one_asked_for(
    asked: str, right: str, theirs: Any, home: Path, tmp_path: Path
) -> None:
    """Their layers are the same, so all would fit; source and licence would be another's."""
    state = chandelier_names(theirs) if right == "chandelier" else theirs.state_dict()
    file = save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=f"--dialect {right}"):
        import_checkpoint("elic", Origin(file), asked)
    assert not list(home.glob("*")) if home.exists() else True


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("kind", ["chandelier", "official"])
def test_both_compressai_classes_are_told_apart(kind: str, home: Path, tmp_path: Path) -> None:
    net = reference(kind, 2)
    file = save(net.state_dict(), tmp_path / "a.pth")
    found = import_checkpoint("elic", Origin(file), "compressai")
    assert load_net(found).config.dialect == kind  # type: ignore[union-attr]
    image = make_photo(64, 64)
    assert_drawn_as_by(net, drawn_by(found, image), image)


def test_a_card_says_what_it_is(theirs: Any, home: Path, tmp_path: Path) -> None:
    file = save(chandelier_names(theirs), tmp_path / "ELIC_0450.pth")
    found = import_checkpoint("elic", Origin(file, "a friend", "CC0"), "chandelier")
    assert found.folder == home / "elic-ELIC_0450" or found.folder.name == "elic-ELIC_0450"
    text = (found.folder / "card.md").read_text()
    assert "a friend" in text
    assert "CC0" in text
    assert convert.file_sha256(file) in text
    assert found.bpp == pytest.approx(
        learned.FixedRateCodec(ELIC, found).encode(built_in_picture(), Target(bpp=1)).bpp, abs=1e-4
    )
    assert (found.facts["licence"], found.width, found.codec) == ("CC0", "public", "elic")
    assert weights_of_tag("elic", tag_of(found)) == found
    assert weights_of_tag("elic", b"1234") is None


def test_other_names_are_refused_in_one_message(state: State, home: Path, tmp_path: Path) -> None:
    for k in range(12):
        state[f"extra.{k}"] = torch.zeros(1)
    del state["h_a.0.weight"], state["g_s.14.bias"]
    state["h_a.2.weight"] = torch.zeros(3, 3)
    with pytest.raises(CheckpointError) as raised:
        import_state(state, tmp_path)
    message = str(raised.value)
    assert "2 missing (h_a.0.weight, g_s.14.bias)" in message or "g_s.14.bias, h_a.0" in message
    assert "12 unknown (extra.0, " in message
    assert "extra.9, ..." in message
    assert "extra.10" not in message
    assert "h_a.2.weight is (3, 3), expected (16, 16, 5, 5)" in message
    assert not list(home.glob("*")) if home.exists() else True


@pytest.mark.parametrize(
    ("codec", "dialect", "hint"),
    [("elic", "compressai", "--dialect chandelier"), ("ms-illm", "msillm", "looks like elic")],
)
def test_the_likely_dialect_is_named(
    codec: str, dialect: str, hint: str, theirs: Any, home: Path, tmp_path: Path
) -> None:
    """Chandelier's names are ours, so only its old prior and masks tell it from CompressAI's."""
    file = save({**chandelier_names(theirs), "odd": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=hint):
        import_checkpoint(codec, Origin(file), dialect, "a")


def ending_in(value: float) -> Spoil:
    def spoil(tensor: Tensor) -> Tensor:
        tensor.flatten()[-1] = value
        return tensor

    return spoil


ODD: dict[str, Spoil] = {
    "sparse_coo": Tensor.to_sparse,
    "sparse_csr": Tensor.to_sparse_csr,
    "complex64": Tensor.cfloat,
    "without data": lambda value: value.to("meta"),
    "float8_e4m3fn": lambda value: value.to(torch.float8_e4m3fn),
    "qint8": lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
}
SPOILT: list[tuple[str, Spoil, str]] = [
    ("context_prediction.2.mask", torch.ones_like, "context_prediction.2.mask is no checkerboard"),
    *(
        (name, ending_in(value), f"holds NaN or infinity in {name.replace('_bias0', 'biases.0')}: ")
        for name in ("g_a.0.weight", "g_s.14.bias", "entropy_bottleneck._bias0")
        for value in (math.nan, math.inf)
    ),
    *(
        (name, lambda value, odd=odd: odd(value[0, 0]), f"{name} is {words}; save them as dense")
        for name in ("cc_transforms.0.0.weight", "context_prediction.0.mask")
        for words, odd in ODD.items()
    ),
    *(
        (f"{name}.weight", lambda value: value[:6], f"1 misshaped ({name}.weight is (6, ")
        for name in ("g_a.0", "h_a.0", "cc_transforms.0.0", "cc_transforms.0.2")
    ),
]


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize(("name", "spoil", "words"), SPOILT)
def test_the_tensor_that_is_wrong_is_refused_by_its_name(
    name: str, spoil: Spoil, words: str, state: State, home: Path, tmp_path: Path
) -> None:
    state[name] = spoil(state[name])
    with pytest.raises(CheckpointError, match=re.escape(words)):
        import_state(state, tmp_path)
    assert not home.exists() or list(home.iterdir()) == []


def test_an_untrained_network_of_nan_does_not_hang(
    state: State, home: Path, tmp_path: Path
) -> None:
    for name, value in state.items():
        if "mask" not in name:
            value.zero_()
    state["g_a.0.weight"].fill_(math.nan)
    with pytest.raises(CheckpointError, match=r"g_a\.0\.weight"):
        import_state(state, tmp_path)


def test_what_half_precision_cannot_hold_names_the_way_out(home: Path, tmp_path: Path) -> None:
    net = Heavy(HeavyConfig(1))
    net.layers[0].weight.data[3, 5] = 1e6  # type: ignore[operator, union-attr]
    file = save(net.state_dict(), tmp_path / "heavy.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialects, "DIALECTS", (heavy_dialect(),))
        with pytest.raises(CheckpointError, match=r"layers\.0\.weight .* float16, add --float32"):
            import_checkpoint("dlf", Origin(file), "", "heavy")


@pytest.mark.usefixtures("unmeasured")
def test_what_killed_imports_left_goes_after_a_day(
    state: State, home: Path, tmp_path: Path
) -> None:
    old, young = home / ".killed.partial", home / ".at-work.partial"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "00.safetensors").touch()
    os.utime(old, (0, time.time() - 25 * 3600))
    import_state(state, tmp_path)
    assert {path.name for path in home.iterdir()} == {young.name, "s"}


@pytest.mark.parametrize(("step", "times"), [("measured_rate", 0), ("write_tensors", 2)])
def test_a_failure_in_the_middle_leaves_nothing(
    step: str, times: int, state: State, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the third of many shards is written, or when all are."""
    done: list[object] = []

    def full(*arguments: object) -> None:
        if len(done) == times:
            raise OSError(28, "No space left on device")
        done.append(arguments)

    monkeypatch.setattr(convert, "SHARD_BYTES", 100_000)
    monkeypatch.setattr(convert, step, full)
    with pytest.raises(OSError, match="No space"):
        import_state(state, tmp_path)
    assert len(done) == times
    assert list(home.iterdir()) == []


def test_a_full_disk_is_noticed_first(
    state: State, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ModeError, match=r"has 0 MB free, the weights need 34 MB; .*MODE_WEIGHTS"):
        import_state(state, tmp_path)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "x" * 80, "-"])
def test_a_name_stays_in_the_cache(name: str, tmp_path: Path, home: Path) -> None:
    with pytest.raises(CheckpointError, match="no name"):
        import_checkpoint("elic", Origin(tmp_path / "none.pth"), "", name)


def test_unknown_codecs_and_dialects_are_named() -> None:
    with pytest.raises(CheckpointError, match="chandelier, compressai"):
        find_dialect("elic", "jiang")
    with pytest.raises(CheckpointError, match="elic, ms-illm, dlf, vq"):
        find_dialect("jpeg", "")


# ── several sets, and large ones ───────────────────────────────────────────────────────────────


def test_sets_of_one_codec_are_a_family(home: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="weights list"):
        family("elic")
    sets, nets = [], []
    for seed, scale in ((0, 1.0), (1, 3.0)):
        net = reference("chandelier", seed)
        with torch.no_grad():
            net.g_a[13].weight.mul_(scale)
        file = save(chandelier_names(net), tmp_path / f"{seed}.pth")
        sets.append(import_checkpoint("elic", Origin(file), "chandelier", f"elic-{seed}"))
        nets.append(net)
    codec = learned.build(ELIC, "public")
    assert [found.folder.name for found in codec.sets] == ["elic-0", "elic-1"]
    image = make_photo(64, 96)
    sizes = [codec.encode(image, Target(quality=q)).bpp for q in (0, 1)]
    assert sizes[0] < sizes[1]
    for wished, which in ((0.001, 0), (sizes[0] * 1.02, 0), (sizes[1] * 0.98, 1), (24, 1)):
        made = Bitstream.from_bytes(codec.encode(image, Target(bpp=wished)).to_bytes())
        assert made.weights == tag_of(sets[which])
        drawn = codec.decode(made)
        assert_drawn_as_by(nets[which], drawn, image)
    assert np.array_equal(load_decoder(made).decode(made), drawn)
    foreign = Bitstream(2, b"abcd", 0, 96, 64, made.streams)
    with pytest.raises(WeightsMismatch, match=r"61626364.*elic-0"):
        codec.decode(foreign)


@pytest.mark.usefixtures("unmeasured")
def test_the_same_file_cannot_be_named_twice(state: State, home: Path, tmp_path: Path) -> None:
    import_state(state, tmp_path)
    with pytest.raises(CheckpointError, match="there already"):
        import_state(state, tmp_path)


class Heavy(nn.Module):
    """A network of a few large matrices, standing for one of five gigabytes."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(1024, 1024) for _ in range(config.layers))


LARGE = """
import dataclasses, resource, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from types import SimpleNamespace
from tests.checkpoints.test_convert import heavy_dialect
from mode_core.checkpoints import convert, dialects
from mode_core.checkpoints.convert import Origin, import_checkpoint
dialects.DIALECTS = (heavy_dialect(),)
convert.SHARD_BYTES = 8 << 20
convert.measured_rate = lambda found: {{"bpp": "0.1", "mse": "1"}}
def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
import torch; torch.zeros(1)
before = anonymous()
found = import_checkpoint("dlf", Origin(Path({file!r})), "", "heavy")
print((anonymous() - before) * 1024, len(found.shards))
"""


@dataclasses.dataclass(frozen=True)
class HeavyConfig:
    """How many matrices."""

    layers: int


def heavy_dialect() -> Dialect:
    """A dialect of the heavy network."""

    def net(state: Any) -> tuple[type[Heavy], HeavyConfig]:
        return Heavy, HeavyConfig(len(state) // 2)

    return Dialect("dlf", "heavy", "public", "layers.0.weight", "-", "-", dict, net, half=True)


def test_a_large_file_is_streamed(home: Path, tmp_path: Path) -> None:
    """Peak memory, file pages included, stays below 1.5 times the file; weights become fp16."""
    torch.manual_seed(0)
    net = Heavy(HeavyConfig(24))
    file = save({"state_dict": net.state_dict()}, tmp_path / "heavy.ckpt")
    code = LARGE.format(tests=str(ROOT), file=str(file))
    done = process(PYTHON, "-c", code, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    grown, shards = map(int, done.stdout.split())
    assert shards > 10
    assert grown < 1.5 * file.stat().st_size
    first = load_file(next(iter(sorted((home / "heavy").glob("*.safetensors")))))
    assert first["layers.0.weight"].dtype == torch.float16
    assert first["layers.0.bias"].dtype == torch.float32
    assert torch.equal(first["layers.0.weight"], net.layers[0].weight.half())  # type: ignore[operator]
