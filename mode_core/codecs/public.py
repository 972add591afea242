"""The authors' weights as codecs: each set has one rate, all sets of a codec are one family."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.bitstream import Bitstream
from mode_core.codecs.learned import LearnedCodec
from mode_core.codecs.systems import SYSTEMS, ModeSystem, System
from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.nets.elic_public import ElicPublic
from mode_core.nets.hific import pad_by_reflection
from mode_core.rates import nearest_quality
from mode_core.types import Anchor, CodecInfo, Image, Target
from mode_core.weights import TAG_BYTES, WeightsSet, family, load_net, tags_of

_LOADED_AT_ONCE = 2
_ENCODER_ONLY = {"dlf": ("hybrid_codec.encoder",)}
_DECODER_ONLY = {"dlf": ("hybrid_codec.decoder", "prior_fusion", "vqgan")}
"""Parts of large networks that the other side does without."""
_PADS: dict[str, Callable[[Tensor], Tensor]] = {
    "elic": ElicPublic.pad,
    "ms-illm": lambda x: pad_by_reflection(x, 64),
    "dlf": lambda x: by_repeating(x, 256),
    "vq": lambda x: by_repeating(x, 16),
    "mode": lambda x: by_repeating(x, 64),
}


class FixedRateCodec(LearnedCodec):
    """One set of weights; pads as its authors do, and of a large network loads what is needed."""

    # their pictures, to the level: no bfloat16
    draws_in = staticmethod(lambda: torch.float32)

    def __init__(self, info: CodecInfo, found: WeightsSet) -> None:
        if info.id not in SYSTEMS or info.id not in _PADS:
            raise WeightsUnavailable(f"{info.id} cannot run its authors' weights in this version")
        self.info, self.profile, self.found = info, found.width, found
        self.tag, self.pad = found.digest()[:TAG_BYTES], _PADS[info.id]

    @cached_property
    def system(self) -> System:  # type: ignore[override]
        """What reads and draws."""
        return self._load(_ENCODER_ONLY.get(self.info.id, ()))

    @cached_property
    def writer(self) -> System:
        """What analyses and writes."""
        if self.info.id not in _DECODER_ONLY:
            return self.system
        return self._load(_DECODER_ONLY[self.info.id])

    @torch.inference_mode(False)
    def _load(self, without: tuple[str, ...]) -> System:
        kinds: dict[str, Any] = SYSTEMS | {"mode": FixedRateMode}
        system: System = kinds[self.info.id](load_net(self.found, without))
        placed = getattr(system, "placed", None)
        if placed is not None:
            # now, because moving weights later would make the exact networks anew
            placed.drawing  # noqa: B018
        return system

    @torch.inference_mode()
    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file; there is only one size."""
        streams = self.writer.write(self.writer.analyse(self.pad(pixels(image))), 0)
        return self._file(image, 0, streams, target)


class FixedRateMode(ModeSystem):
    """MoDE on two experts of one rate each: there is one size."""

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        self.qualities = range(1)

    def split(self, quality: int) -> tuple[int, int]:
        """All tokens, and the latent."""
        return 0, 0


class PublicFamily:
    """Several sets as one codec: quality counts sets by rising rate, a file's tag names its set."""

    def __init__(self, info: CodecInfo, sets: list[WeightsSet]) -> None:
        self.info, self.profile, self.sets = info, sets[0].width, sets
        self._member = lru_cache(maxsize=_LOADED_AT_ONCE)(self._load)

    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target among those that the sets give."""
        last = len(self.sets) - 1
        if target.quality is not None:
            return self._member(min(max(target.quality, 0), last)).encode(image, target)
        made: dict[int, Bitstream] = {}

        def size_of(index: int) -> int:
            made[index] = self._member(index).encode(image, target)
            return len(made[index].to_bytes())

        wished = target.bpp or 0
        guess = min(range(last + 1), key=lambda i: abs(self.sets[i].bpp - wished))
        wanted = wished * image.shape[0] * image.shape[1] / 8
        return made[nearest_quality(size_of, range(last + 1), wanted, guess)]

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture, with the set that the file names."""
        for index, found in enumerate(self.sets):
            if found.digest()[:TAG_BYTES] == bitstream.weights:
                return self._member(index).decode(bitstream, anchor)
        raise WeightsMismatch(
            f"the file was made with {self.info.id} weights {bitstream.weights.hex()}, here are "
            f"{tags_of(self.sets)}; import the checkpoint that it was made with"
        )

    def _load(self, index: int) -> LearnedCodec:
        return FixedRateCodec(self.info, self.sets[index])


def build(info: CodecInfo, profile: str) -> PublicFamily:
    """All imported sets of a codec."""
    return PublicFamily(info, family(info.id, profile))


def pixels(image: Image) -> Tensor:
    """(1, 3, H, W) in [0, 1], as it is."""
    x = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    return x.contiguous(memory_format=torch.channels_last)


def by_repeating(x_BCHW: Tensor, stride: int) -> Tensor:
    """Sides grown to multiples of the stride by repeating the border."""
    bottom, right = (-side % stride for side in x_BCHW.shape[2:])
    return F.pad(x_BCHW, (0, right, 0, bottom), mode="replicate")
