"""https://github.com/cloudinary/ssimulacra2, SSIMULACRA 2.1: structure and edges over six scales.

Written from the published definition; the weights are the authors' (BSD-3-Clause). Deviation: their
tool blurs with a recursive filter in float32, whose rounding takes from 0.04 (at 57) to 0.2 (at 91)
off a photograph's value; here the same window is applied as it is, in float64.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mode_core.metrics.fidelity import check_pair
from mode_core.types import Image

Map = npt.NDArray[np.float64]
Light = npt.NDArray[np.float32]

SSIMULACRA2_MIN_SIDE = 113
"""Below it the authors' tool has fewer scales, and gives some the weights of others."""
_BAND = 128
_REACH = 4
"""Rows on either side that the blur of a row needs."""
_TAPS = (0.009414367809653464, 0.03601111465836417, 0.10933537277746015, 0.21292859201042205)
_WINDOW = np.array([*_TAPS, 0.2646211054881984, *_TAPS[::-1]])
"""What the recursive Gaussian of 1.5 pixels (Charalampidis 2016, radius 5) answers to one pixel."""
_STABLE = 0.0009

_GREYS = np.arange(256) / 255
_LIGHT = np.where(_GREYS <= 0.04045, _GREYS / 12.92, ((_GREYS + 0.055) / 1.055) ** 2.4).astype("f4")
"""sRGB as amounts of light."""
_CONES = np.array(
    [
        (0.3, 0.622, 0.078),
        (0.23, 0.692, 0.078),
        (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
    ],
    np.float32,
)
_BIAS = np.float32(0.0037930732552754493)

_WEIGHTS = np.array([
    # X
    (0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0),
    (0, 0.0004371155730107379, 0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752),
    (0, 0.0016406437456599754, 0, 1.8422455520539298, 11.441172603757666, 0),
    (0.0007989109436015163, 0.000176816438078653, 0, 1.8787594979546387, 10.94906990605142, 0),
    (0.0007289346991508072, 0.9677937080626833, 0,
     0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053),
    (0.0004550992113792063, 0, 0, 0.0013648766163243398, 0, 0),
    # Y
    (0, 0, 0, 7.466890328078848, 0, 17.445833984131262),
    (0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264),
    (225.20515300849274, 0, 0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985),
    (176.39317598450694, 0, 0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408),
    (0, 0, 0, 34.77906344483772, 44.835625328877896, 0),
    (0, 0, 0, 0, 0, 0),
    # B - Y
    (0, 0.0008680556573291698, 0, 0, 0, 0),
    (0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0),
    (0, 0, 0, 0.0004179171803251336, 0.0017290828234722833, 0),
    (0.0020827005846636437, 0, 0, 8.826982764996862, 23.19243343998926, 0),
    (95.1080498811086, 0.9863978034400682, 0.9834382792465353,
     0.0012286405048278493, 171.2667255897307, 0.9807858872435379),
    (0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537),
]).reshape(3, 6, 2, 3)  # fmt: skip
"""Of each channel, scale, norm (mean, fourth root of the mean fourth power) and map of errors."""


def ssimulacra2(reference: Image, decoded: Image) -> float:
    """SSIMULACRA 2.1; 100 is alike, 30 low quality, and what is below 0 hardly resembles."""
    check_pair(reference, decoded, "SSIMULACRA2", SSIMULACRA2_MIN_SIDE)
    x: Image | Light = reference
    y: Image | Light = decoded
    norms = [_norms(x, y)]
    while len(norms) < _WEIGHTS.shape[1]:
        x, y = _halved(x), _halved(y)
        norms.append(_norms(x, y))
    error = 0.9562382616834844 * float((_WEIGHTS * np.stack(norms, 1)).sum())
    error *= 2.326765642916932 - 0.020884521182843837 * error + 6.248496625763138e-05 * error**2
    return 100 - 10 * float(max(0.0, error) ** 0.6276336467831387)


def _norms(x: Image | Light, y: Image | Light) -> Map:
    """Of each channel both norms of the three maps; in bands, so that any picture fits."""
    height, width, _ = x.shape
    sums = np.zeros((3, 2, 3))
    for top in range(0, height, _BAND):
        first = max(0, top - _REACH)
        rows = slice(first, top + _BAND + _REACH)
        core = slice(top - first, top - first + _BAND)
        for channel, (a, b) in enumerate(zip(_xyb(x[rows]), _xyb(y[rows]), strict=True)):
            for index, error in enumerate(_errors(a, b, core)):
                square = error * error
                sums[channel, :, index] += error.sum(), (square * square).sum()
    means: Map = sums / (height * width)
    means[:, 1] **= 0.25
    return means


def _errors(a: Map, b: Map, core: slice) -> Iterator[Map]:
    """How far structure differs, which edges are new, and which are lost, in the core's rows."""
    mean_a, mean_b = _blurred(a)[core], _blurred(b)[core]
    squares, product = _blurred(a * a + b * b)[core], _blurred(a * b)[core]
    kept = 2 * (product - mean_a * mean_b) + _STABLE
    # Grouped so that equal pictures round alike above and below: 100 is then 100 to the last bit.
    kept /= squares - (mean_a * mean_a + mean_b * mean_b) + _STABLE
    yield np.maximum(1 - (1 - (mean_a - mean_b) ** 2) * kept, 0)
    edge_a, edge_b = np.abs(a[core] - mean_a), np.abs(b[core] - mean_b)
    edges = (1 + edge_b) / (1 + edge_a) - 1
    yield np.maximum(edges, 0)
    yield np.maximum(-edges, 0)


def _blurred(x: Map) -> Map:
    """The mean around each place, where all outside the picture is zero, as with the authors."""
    from scipy.ndimage import correlate1d

    down = correlate1d(x, _WINDOW, 0, mode="constant")
    return np.asarray(correlate1d(down, _WINDOW, 1, mode="constant"))


def _xyb(band: Image | Light) -> Iterator[Map]:
    """X, Y and B - Y, shifted and stretched so that each lies between 0 and 1."""
    height, width, _ = band.shape
    cones = _CONES @ _light(band).reshape(-1, 3).T + _BIAS
    # the cube root: five times as fast as `cbrt`, and right to 2e-7
    roots = np.exp(np.log(cones) / np.float32(3)).reshape(3, height, width).astype(np.float64)
    mean: Map = (roots[0] + roots[1]) / 2
    yield (roots[0] - roots[1]) * 7 + 0.42
    yield mean - np.cbrt(np.float64(_BIAS)) + 0.01
    yield roots[2] - mean + 0.55


def _light(band: Image | Light) -> Light:
    return _LIGHT[band] if band.dtype == np.uint8 else band.astype(np.float32, copy=False)


def _halved(x: Image | Light) -> Light:
    """Means of two by two in light; an odd side repeats its last row."""
    height, width, _ = x.shape
    half = np.empty((-(-height // 2), -(-width // 2), 3), np.float32)
    for top in range(0, height, _BAND):
        band = _light(x[top : top + _BAND])
        band = np.pad(band, (*((0, side % 2) for side in band.shape[:2]), (0, 0)), mode="edge")
        sums = band[::2, ::2] + band[1::2, ::2] + band[::2, 1::2] + band[1::2, 1::2]
        half[top // 2 : (top + _BAND) // 2] = sums / 4
    return half
