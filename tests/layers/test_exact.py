"""The probability path gives the same bits whatever computes it."""

from __future__ import annotations

import hashlib

import pytest
import torch
import torch.nn.functional as F

from mode_core.codecs import networks
from mode_core.codecs.elic.coding import first_half
from mode_core.layers.exact import VALUE_STEP, ExactConv2d, ExactResidual, patches
from mode_core.weights import sets as weights
from tests.conftest import ROOT
from tests.made_up.machines import found_everywhere


def test_sums_do_not_depend_on_their_order() -> None:
    torch.manual_seed(0)
    layer = ExactConv2d(48, 24, 3, active=True)
    shuffled = ExactConv2d(48, 24, 3, active=True)
    order = torch.randperm(48)
    shuffled.weight.data = layer.weight.data[:, order].clone()
    x = torch.randn(1, 48, 9, 7, dtype=torch.float64) * 20
    x = (x / VALUE_STEP).round() * VALUE_STEP
    assert torch.equal(layer(x), shuffled(x[:, order]))


def test_exact_and_float_paths_are_the_same_layer() -> None:
    torch.manual_seed(0)
    block = ExactResidual(16, 16)
    torch.nn.init.normal_(block.second.weight, std=0.1)
    x = torch.randn(2, 16, 8, 8)
    assert (block(x) - block(x.double())).abs().max() < 4 * VALUE_STEP


def test_bands_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = ExactConv2d(4, 4, 3)
    x = torch.randn(1, 4, 33, 5, dtype=torch.float64)
    whole = layer(x)
    monkeypatch.setattr("mode_core.layers.exact._VALUES_AT_ONCE", 4 * 9 * 5 * 2)
    assert torch.equal(layer(x), whole)


def test_new_weights_are_noticed() -> None:
    layer = ExactConv2d(2, 2)
    x = torch.ones(1, 2, 1, 1, dtype=torch.float64)
    before = layer(x)
    with torch.no_grad():
        layer.weight.add_(1)
    assert not torch.equal(layer(x), before)


def probe(payload: bytes = b"") -> tuple[bytes, str]:
    """A payload and the hash of what it holds; from stored weights, as random ones would themselves
    depend on the instruction set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "BUNDLED", ROOT / "tests" / "golden" / "v1" / "weights")
        elic, vq = (networks.load_net(weights.find_weights(name)) for name in ("elic", "vq"))
    y = torch.randn(1, 16, 12, 8, generator=torch.Generator().manual_seed(5)) * 3
    tokens = torch.randint(64, (1, 12, 8), generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        # the hyper analysis is float and belongs to the encoder: only reading must be exact
        payload = payload or elic.write(y, 150)[0]
        latent, check = elic.read(payload, 150, (12, 8))
        stream, token_check = vq.write(tokens, 31)
    digest = hashlib.sha256(latent.numpy().tobytes() + stream).hexdigest()
    return payload, f"{digest} {check} {token_check}"


@pytest.mark.slow
def test_latents_are_identical_for_threads_instruction_sets_and_libraries(one_thread: None) -> None:
    payload, expected = probe()
    assert found_everywhere(probe, payload) == {expected}


def test_neighbourhoods_are_unfolded_a_band_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mode_core.layers.exact._VALUES_AT_ONCE", 9 * 2 * 5 * 4)
    x = torch.arange(2 * 10 * 5, dtype=torch.float64).reshape(1, 2, 10, 5)
    made: list[int] = []
    real = F.unfold

    def counted(rows: torch.Tensor, kernel: int) -> torch.Tensor:
        made.append(rows.shape[2])
        return real(rows, kernel)

    monkeypatch.setattr("mode_core.layers.exact.F.unfold", counted)
    bands = patches(x, 3)
    first = next(bands)
    assert made == [4 + 2]
    whole = torch.cat([first, *bands], dim=-1)
    assert made == [6, 6, 4]
    assert torch.equal(whole, real(x, 3, padding=1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (4, 2)])
def test_beside_the_known_half_of_a_checkerboard_four_taps_are_the_whole_map(
    size: tuple[int, int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    layer = ExactConv2d(5, 6, 3, active=True)
    torch.nn.init.normal_(layer.bias)
    known = first_half(torch.empty(1, 1, *size))
    x = torch.randn(1, 5, *size, dtype=dtype) * 20 * known
    x = (x / VALUE_STEP).round() * VALUE_STEP
    places = (~known).flatten().nonzero().flatten()
    whole = layer(x).flatten(2)[:, :, places]
    if dtype == torch.float64:
        assert torch.equal(layer.beside(x, places), whole)
    else:
        assert (layer.beside(x, places) - whole).abs().max() < VALUE_STEP if len(places) else True
