"""A BERT encoder in torch, whose parameters have the names of a Hugging Face checkpoint.

Architecture: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), post-norm with exact GELU.
The layers below ``first`` and the embeddings stay as they are, so what they make of a text can be computed once.
"""

from pathlib import Path
from typing import cast

import msgspec
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from mio.sentences.graph import BertShape

_DROPOUT = 0.1  # config.json of all-MiniLM-L6-v2


class Layer(nn.Module):
    """One layer: attention, then a perceptron, each with a residual and a norm behind it."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        width = shape.hidden_size
        self.heads = shape.num_attention_heads
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")}),
                "output": _Output(width, width, shape.layer_norm_eps),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, shape.intermediate_size)})
        self.output = _Output(shape.intermediate_size, width, shape.layer_norm_eps)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """``[B, T, D]`` and attention bias ``[B, 1, 1, T]`` to ``[B, T, D]``."""
        batch, time, width = x.shape
        project = cast(nn.ModuleDict, self.attention["self"])
        q, k, v = (project[n](x).view(batch, time, self.heads, -1).transpose(1, 2) for n in ("query", "key", "value"))
        dropout = _DROPOUT if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        x = self.attention["output"](mixed.transpose(1, 2).reshape(batch, time, width), x)
        return self.output(functional.gelu(self.intermediate["dense"](x)), x)


class _Output(nn.Module):
    def __init__(self, inner: int, width: int, epsilon: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps=epsilon)

    def forward(self, inner: Tensor, x: Tensor) -> Tensor:
        return self.LayerNorm(x + functional.dropout(self.dense(inner), _DROPOUT, self.training))


class Bert(nn.Module):
    """The encoder; layers from ``first`` on are trained.

    Attributes:
        shape: Its sizes.
        first: Number of the first layer that is trained.
    """

    def __init__(self, shape: BertShape, first: int, vocabulary: int, positions: int) -> None:
        super().__init__()
        self.shape = shape
        self.first = first
        width = shape.hidden_size
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(vocabulary, width),
                "position_embeddings": nn.Embedding(positions, width),
                "token_type_embeddings": nn.Embedding(2, width),
                "LayerNorm": nn.LayerNorm(width, eps=shape.layer_norm_eps),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))})
        for module in (self.embeddings, *self.layers[:first]):
            module.requires_grad_(False)

    @property
    def layers(self) -> nn.ModuleList:
        """The layers, lowest first."""
        return cast(nn.ModuleList, self.encoder["layer"])

    def below(self, ids: Tensor, mask: Tensor, kinds: Tensor | None = None) -> Tensor:
        """What the layers that stay as they are make of tokens, ``[B, T]`` ids and mask to ``[B, T, D]``."""
        parts = self.embeddings
        x = parts["word_embeddings"](ids) + parts["token_type_embeddings"](
            torch.zeros_like(ids) if kinds is None else kinds
        )
        positions = cast(nn.Embedding, parts["position_embeddings"]).weight[: ids.shape[1]]
        x = parts["LayerNorm"](x + positions)
        return self._through(x, mask, 0, self.first)

    def above(self, x: Tensor, mask: Tensor) -> Tensor:
        """What the trained layers make of that, ``[B, T, D]``."""
        return self._through(x, mask, self.first, self.shape.num_hidden_layers)

    def train(self, mode: bool = True) -> "Bert":
        """Dropout only in the layers that are trained."""
        super().train(mode)
        self.layers[: self.first].eval()
        return self

    def _through(self, x: Tensor, mask: Tensor, begin: int, end: int) -> Tensor:
        bias = torch.zeros(mask.shape, dtype=x.dtype).masked_fill(mask == 0, torch.finfo(x.dtype).min)[:, None, None]
        for layer in self.layers[begin:end]:
            x = layer(x, bias)
        return x


def load_bert(folder: Path, first: int) -> Bert:
    """The encoder with the weights of a folder in the layout of sentence-transformers."""
    shape = msgspec.json.decode((folder / "config.json").read_bytes(), type=BertShape)
    with safe_open(str(folder / "model.safetensors"), "pt") as file:
        names = [name for name in file.keys() if name.startswith(("embeddings.", "encoder."))]  # noqa: SIM118
        weights = {name: file.get_tensor(name).float() for name in names if not name.endswith("position_ids")}
    vocabulary = weights["embeddings.word_embeddings.weight"].shape[0]
    positions = weights["embeddings.position_embeddings.weight"].shape[0]
    bert = Bert(shape, first, vocabulary, positions)
    bert.load_state_dict(weights)
    return bert
