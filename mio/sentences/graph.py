"""The compute graph of a BERT sentence encoder as ONNX, with its weights left in the checkpoint.

Knows the architecture only: no tokens, no cache. Architecture: Devlin et al., "BERT: Pre-training of Deep Bidirectional
Transformers" (2019), post-norm encoder with exact GELU; pooling and normalisation of sentence-transformers: mean over
the tokens, then unit length.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSET = 20  # the first with Gelu
_IR_VERSION = 10
_MASKED = -10_000.0  # added to attention scores of padding; softmax makes it zero in float32


class BertShape(msgspec.Struct, frozen=True):
    """The part of a Hugging Face ``config.json`` that decides the graph."""

    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    intermediate_size: int = 1536
    layer_norm_eps: float = 1e-12


class EncoderGraph(NamedTuple):
    """A serialised ONNX model, and the names of the weights that it expects as external initialisers.

    Inputs ``ids`` and ``mask``, both int64 ``[B, T]``; outputs ``embedding``, float32 ``[B, D]`` of unit length, and
    ``states``, float32 ``[B, T, D]``, what the last layer makes of each token.
    """

    model: bytes
    weights: list[str]


def build_graph(shape: BertShape, weights: dict[str, Sequence[int]]) -> EncoderGraph:
    """Describe the encoder.

    Args:
        shape: Its sizes.
        weights: Shape of every tensor in the checkpoint, by name.
    """
    return _Builder(shape, weights).build()


class _Builder:
    def __init__(self, shape: BertShape, weights: dict[str, Sequence[int]]) -> None:
        self._shape = shape
        self._weights = weights
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._used: list[str] = []

    def build(self) -> EncoderGraph:
        attention_bias, mask = self._mask()
        x = self._embed()
        for layer in range(self._shape.num_hidden_layers):
            x = self._layer(x, attention_bias, f"encoder.layer.{layer}.")
        self._nodes.append(helper.make_node("Identity", [x], ["states"]))
        self._pool(x, mask)
        sides = ["batch", "time"]
        graph = helper.make_graph(
            self._nodes,
            "sentence_encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, sides) for name in ("ids", "mask")],
            [
                helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", self._shape.hidden_size]),
                helper.make_tensor_value_info("states", TensorProto.FLOAT, [*sides, self._shape.hidden_size]),
            ],
            self._initializers,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        return EncoderGraph(model.SerializeToString(), self._used)

    def _mask(self) -> tuple[str, str]:
        """Attention bias ``[B, 1, 1, T]`` and float mask ``[B, T, 1]``."""
        mask = self._op("Cast", "mask", to=TensorProto.FLOAT)
        padding = self._op("Sub", self._constant(np.float32(1)), mask)
        bias = self._op("Mul", padding, self._constant(np.float32(_MASKED)))
        return self._op("Unsqueeze", bias, self._axes(1, 2)), self._op("Unsqueeze", mask, self._axes(2))

    def _embed(self) -> str:
        prefix = "embeddings."
        words = self._op("Gather", self._weight(f"{prefix}word_embeddings.weight"), "ids")
        length = self._op("Shape", "ids", start=1, end=2)
        table = self._weight(f"{prefix}position_embeddings.weight")
        positions = self._op("Slice", table, self._axes(0), length, self._axes(0))
        kinds = self._weight(f"{prefix}token_type_embeddings.weight")
        first_kind = self._op("Gather", kinds, self._constant(np.int64(0)))
        x = self._op("Add", self._op("Add", words, positions), first_kind)
        return self._norm(x, f"{prefix}LayerNorm")

    def _layer(self, x: str, attention_bias: str, prefix: str) -> str:
        heads = self._attend(x, attention_bias, f"{prefix}attention.self.")
        x = self._op("Add", x, self._linear(heads, f"{prefix}attention.output.dense"))
        x = self._norm(x, f"{prefix}attention.output.LayerNorm")
        hidden = self._op("Gelu", self._linear(x, f"{prefix}intermediate.dense"))
        x = self._op("Add", x, self._linear(hidden, f"{prefix}output.dense"))
        return self._norm(x, f"{prefix}output.LayerNorm")

    def _attend(self, x: str, attention_bias: str, prefix: str) -> str:
        count = self._shape.num_attention_heads
        width = self._shape.hidden_size // count
        split = self._constant(np.array([0, 0, count, width]))
        query, key, value = (self._op("Reshape", self._linear(x, prefix + n), split) for n in ("query", "key", "value"))
        query = self._op("Transpose", query, perm=[0, 2, 1, 3])
        key = self._op("Transpose", key, perm=[0, 2, 3, 1])
        value = self._op("Transpose", value, perm=[0, 2, 1, 3])
        scores = self._op("Mul", self._op("MatMul", query, key), self._constant(np.float32(width**-0.5)))
        weights = self._op("Softmax", self._op("Add", scores, attention_bias), axis=-1)
        mixed = self._op("Transpose", self._op("MatMul", weights, value), perm=[0, 2, 1, 3])
        return self._op("Reshape", mixed, self._constant(np.array([0, 0, self._shape.hidden_size])))

    def _pool(self, x: str, mask: str) -> None:
        axis = self._axes(1)
        total = self._op("ReduceSum", self._op("Mul", x, mask), axis, keepdims=0)
        mean = self._op("Div", total, self._op("ReduceSum", mask, axis, keepdims=0))
        self._nodes.append(helper.make_node("LpNormalization", [mean], ["embedding"], axis=1, p=2))

    def _linear(self, x: str, prefix: str) -> str:
        matrix = self._op("Transpose", self._weight(f"{prefix}.weight"), perm=[1, 0])
        return self._op("Add", self._op("MatMul", x, matrix), self._weight(f"{prefix}.bias"))

    def _norm(self, x: str, prefix: str) -> str:
        scale, bias = self._weight(f"{prefix}.weight"), self._weight(f"{prefix}.bias")
        return self._op("LayerNormalization", x, scale, bias, epsilon=self._shape.layer_norm_eps)

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def _axes(self, *axes: int) -> str:
        return self._constant(np.array(axes))

    def _constant(self, value: Any) -> str:
        name = f"constant_{len(self._initializers)}"
        self._initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _weight(self, name: str) -> str:
        """Declare a tensor of the checkpoint; its values are handed over when the session is made."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=list(self._weights[name]))
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="checkpoint")
        self._initializers.append(tensor)
        self._used.append(name)
        return name
