"""A learned codec with its weights loaded: ours, or the authors'.

Each set of authors' weights has one rate; all sets of a codec are one family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import torch

from mode_core.codecs.adapter import LearnedCodec
from mode_core.codecs.identity import family, tag_of, tags_of
from mode_core.codecs.networks import load_net, networks_of
from mode_core.codecs.rates import nearest_file
from mode_core.codecs.system import System
from mode_core.codecs.tiles import to_tensor
from mode_core.errors import WeightsMismatch
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, Codec, CodecInfo, Image, Target
from mode_core.weights.sets import PUBLIC, WeightsSet, find_weights

_LOADED_AT_ONCE = 2


def build(info: CodecInfo, profile: str) -> Codec:
    """What the registry calls for every codec whose folder has no `build` of its own."""
    if profile.startswith(PUBLIC):
        return PublicFamily(info, profile)
    found = find_weights(info.id, profile)
    system = networks_of(found).system(load_net(found))
    return LearnedCodec(info, found.width, tag_of(found), system)


class FixedRateCodec(LearnedCodec):
    """One set of weights; pads as its authors do, and loads only the parts that are needed."""

    # no bfloat16: pictures must equal the authors' in every 8-bit level
    draws_in = staticmethod(lambda: torch.float32)

    def __init__(self, info: CodecInfo, found: WeightsSet) -> None:
        self.info, self.profile, self.found = info, found.width, found
        self.tag, self.networks = tag_of(found), networks_of(found)

    @cached_property
    def system(self) -> System:  # type: ignore[override]
        """What reads and draws."""
        return self._load(self.networks.writes)

    @cached_property
    def writer(self) -> System:
        """What analyses and writes."""
        return self._load(self.networks.draws) if self.networks.draws else self.system

    @torch.inference_mode(False)
    def _load(self, without: tuple[str, ...]) -> System:
        system = self.networks.system(load_net(self.found, without))
        if (net := getattr(system, "on_device", None)) is not None:
            # moved to the device now: moving weights later would make the exact networks anew
            net.drawing  # noqa: B018
        return system

    @torch.inference_mode()
    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file; there is only one size."""
        padded = self.networks.pad(to_tensor(image, 1))
        streams = self.writer.write(self.writer.analyse(padded), 0)
        return self._file(image, 0, streams, target)


class PublicFamily:
    """Several sets as one codec: quality counts sets by rising rate, a file's tag names its set.

    Sets may come and go while it is in use; those that are loaded stay loaded.
    """

    def __init__(self, info: CodecInfo, profile: str) -> None:
        self.info, self.profile = info, profile
        self._member = lru_cache(maxsize=_LOADED_AT_ONCE)(self._load)
        self.sets  # noqa: B018  # WeightsUnavailable at once where there are none

    @property
    def sets(self) -> list[WeightsSet]:
        """Those that are here now."""
        return family(self.info.id, self.profile)

    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target among those that the sets give."""
        sets = self.sets
        places = range(len(sets))
        guess = min(places, key=lambda place: abs(sets[place].bpp - (target.bpp or 0)))

        def file_at(place: int) -> Bitstream:
            return self._member(sets[place]).encode(image, target)

        return nearest_file(file_at, places, target, image.shape, guess)

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture, with the set that the file names."""
        return self._maker_of(bitstream).decode(bitstream, anchor)

    def opened(
        self, bitstream: Bitstream, anchors: Sequence[Anchor | None]
    ) -> Callable[[Anchor | None], Image]:
        """What draws the file's pictures with that set."""
        return self._maker_of(bitstream).opened(bitstream, anchors)

    def _maker_of(self, bitstream: Bitstream) -> LearnedCodec:
        sets = self.sets
        for found in sets:
            if tag_of(found) == bitstream.weights:
                return self._member(found)
        raise WeightsMismatch(
            f"the file was made with {self.info.id} weights {bitstream.weights.hex()}, here are "
            f"{tags_of(sets)}; import the checkpoint that it was made with"
        )

    def _load(self, found: WeightsSet) -> LearnedCodec:
        return FixedRateCodec(self.info, found)
