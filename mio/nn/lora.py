"""Low-rank updates of frozen linear layers (Hu et al. 2021, arXiv 2106.09685), and their merging into the weights."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """A frozen weight plus a product of two thin matrices; the product begins as zero."""

    def __init__(self, weight: Tensor, rank: int, alpha: float) -> None:
        super().__init__()
        rows, columns = weight.shape
        rank = min(rank, rows, columns)
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.empty(rank, columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight in use."""
        return weight + self.scale * self.up @ self.down


def add_updates(layers: Iterable[nn.Module], rank: int, alpha: float) -> int:
    """Freeze the linear layers among some modules, and give each an update.

    Args:
        layers: Modules; those that are not linear are left as they are.
        rank: Of the updates; at most that of the layer.
        alpha: Scale of an update, times its rank.

    Returns:
        How many layers got one.
    """
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    for layer in linear:
        layer.weight.requires_grad_(False)
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank, alpha))
    return len(linear)


def merge_updates(module: nn.Module) -> None:
    """Add all updates inside a module to its weights, and be rid of them."""
    for layer in list(module.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
