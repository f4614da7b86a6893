import pytest
import torch
from torch import Tensor, nn

from mio.nn.causal import CausalConv, CausalUpsampling, Past, reset_rows


class Codec(nn.Module):
    """Down by six, up by six."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(
            [
                CausalConv(2, 4, 7, "a"),
                CausalConv(4, 4, 5, "b", stride=2),
                CausalConv(4, 4, 3, "c", dilation=3, groups=2),
                CausalConv(4, 6, 3, "d", stride=3),
                CausalUpsampling(6, 4, 3, "e"),
                CausalUpsampling(4, 2, 2, "f"),
            ]
        )

    def forward(self, x: Tensor, past: Past) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x, past))
        return x


@pytest.mark.parametrize("cuts", [[6] * 8, [12, 6, 30], [42, 6]])
@torch.no_grad()
def test_pieces_of_any_size_give_the_same_as_the_whole(cuts: list[int]) -> None:
    model, x = Codec(), torch.randn(3, 2, 48)
    past: Past = {}
    pieces = torch.cat([model(piece, past) for piece in x.split(cuts, 2)], 2)
    torch.testing.assert_close(pieces, model(x, {}))


@torch.no_grad()
def test_no_output_depends_on_a_later_block() -> None:
    model, x = Codec(), torch.randn(1, 2, 48)
    changed = x.clone()
    changed[:, :, 24:] += 1
    before, after = model(x, {}), model(changed, {})
    torch.testing.assert_close(before[:, :, :24], after[:, :, :24])
    assert (before[:, :, 24:] - after[:, :, 24:]).abs().max() > 1e-3


@torch.no_grad()
def test_a_row_that_begins_anew_leaves_the_others_alone() -> None:
    model, x = Codec(), torch.randn(2, 2, 48)
    past: Past = {}
    model(x[:, :, :24], past)
    reset_rows(past, torch.tensor([True, False]))
    later = model(x[:, :, 24:], past)
    torch.testing.assert_close(later[:1], model(x[:1, :, 24:], {}))
    torch.testing.assert_close(later[1:], model(x[1:], {})[:, :, 24:])
