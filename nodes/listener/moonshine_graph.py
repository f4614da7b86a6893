"""Moonshine's encoder and decoder, built from the weights that are published.

The published networks spend two thirds of their time on moving arrays. The decoder among them reads rows of equal
length, so every hypothesis of a search carries a copy of its past, and of what was heard. This one reads any tokens
that follow any others, as in a tree: each sees what a mask lets it see, the past is stored once, and so is the sound.
"""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from nodes.listener.moonshine_weights import Weights, beside
from nodes.listener.onnx_graph import MICROSOFT, Graph, Shapes

LAYERS = 6
WIDTH = 288
CHOICES = 16
"""How many of the most probable next tokens are given."""

_HEADS = 8
_HEAD_DIM = WIDTH // _HEADS
_ROTATED = 32  # of a head's dimensions, by the position
_POSITIONS = 2_048  # more than frames in 16 s, or tokens
_EPSILON = 1e-5
_GROUP_SCALE, _GROUP_SHIFT = "onnx::Mul_2080", "onnx::Add_2081"
_EMBEDDING = "model.decoder.embed_tokens.weight_merged_0"


def encoder_network(encoder: Weights, decoder: Weights) -> bytes:
    """The network that hears a sound, and prepares what the decoder's layers look at.

    Input: ``sound`` ``[1, 1, n]`` at 16 kHz. Outputs: ``heard.0`` to ``heard.11``: keys ``[8, 36, frames]`` and values
    ``[8, frames, 36]`` of each layer of the decoder in turn.
    """
    graph = Graph()
    rotation = _Rotation(graph, encoder, graph.constant([0]))
    x = _frames(graph, encoder)
    for layer in range(LAYERS):
        path = f"layers.{layer}"
        normed = _normed(graph, encoder, f"{path}.input_layernorm", x)
        query, keys, values = _self_projections(graph, encoder, f"/{path}", normed, rotation)
        mixed = _attended(graph, query, _turned(graph, keys), _by_head(graph, values), shape=(1, -1, WIDTH))
        x = graph.one("Add", x, graph.projected(encoder.projection(f"/{path}/self_attn/o_proj"), mixed))
        normed = _normed(graph, encoder, f"{path}.post_attention_layernorm", x)
        inner = graph.projected(encoder.projection(f"/{path}/mlp/fc1"), normed)
        inner = graph.one("Gelu", inner, domain=MICROSOFT)
        x = graph.one("Add", x, graph.projected(encoder.projection(f"/{path}/mlp/fc2"), inner))
    _prepared(graph, decoder, _normed(graph, encoder, "layer_norm", x))
    return graph.model({"sound": (TensorProto.FLOAT, [1, 1, "n"])}, _heard_shapes())


def decoder_network(weights: Weights) -> bytes:
    """The network that reads ``T`` tokens after ``P`` that it has read.

    Inputs: ``tokens`` and ``positions`` ``[T, 1]``; ``mask`` ``[T, P + T]``, 0 where a token sees another and very
    negative elsewhere; ``past`` ``[P, 12, 288]`` keys and values of each layer in turn; ``heard.N`` as the encoder
    gives them. Outputs: ``choices`` and ``log_probabilities`` ``[T, 1, CHOICES]``, the most probable next tokens, best
    first; ``present`` ``[T, 12, 288]``.
    """
    graph = Graph()
    past = graph.node("Split", "past", outputs=2 * LAYERS, axis=1, num_outputs=2 * LAYERS)
    rotation = _Rotation(graph, weights, "positions")
    x = _embedded(graph, weights)
    present: list[str] = []
    for layer in range(LAYERS):
        x, new = _decoder_layer(graph, weights, layer, x, past[2 * layer : 2 * layer + 2], rotation)
        present += new
    logits = graph.projected(weights.projection_to("logits"), _normed(graph, weights, "model.decoder.norm", x))
    log_probabilities = graph.one("LogSoftmax", logits, axis=-1)
    graph.node("TopK", log_probabilities, graph.constant([CHOICES]), named=["log_probabilities", "choices"], axis=-1)
    graph.node("Concat", *present, named=["present"], axis=1)
    inputs: Shapes = {
        "tokens": (TensorProto.INT64, ["T", 1]),
        "positions": (TensorProto.INT64, ["T", 1]),
        "mask": (TensorProto.FLOAT, ["T", "N"]),
        "past": (TensorProto.FLOAT, ["P", 2 * LAYERS, WIDTH]),
    }
    outputs: Shapes = {
        "choices": (TensorProto.INT64, ["T", 1, CHOICES]),
        "log_probabilities": (TensorProto.FLOAT, ["T", 1, CHOICES]),
        "present": (TensorProto.FLOAT, ["T", 2 * LAYERS, WIDTH]),
    }
    return graph.model(inputs | _heard_shapes(), outputs)


class _Rotation:
    """The rotation of queries and keys by their position."""

    def __init__(self, graph: Graph, weights: Weights, positions: str) -> None:
        angles = np.arange(_POSITIONS, dtype=np.float32)[:, None] * weights.frequencies()
        self._graph = graph
        self._inputs = (
            positions,
            graph.array("cosines", np.cos(angles)),
            graph.array("sines", np.sin(angles)),
        )

    def __call__(self, x: str) -> str:
        """The rotated vectors."""
        attributes = {"interleaved": 1, "num_heads": _HEADS, "rotary_embedding_dim": _ROTATED}
        return self._graph.one("RotaryEmbedding", x, *self._inputs, domain=MICROSOFT, **attributes)


def _heard_shapes() -> Shapes:
    key: list[int | str] = [_HEADS, _HEAD_DIM, "F"]
    value: list[int | str] = [_HEADS, "F", _HEAD_DIM]
    return {f"heard.{n}": (TensorProto.FLOAT, value if n % 2 else key) for n in range(2 * LAYERS)}


def _frames(graph: Graph, weights: Weights) -> str:
    """``[1, frames, 288]`` of the sound, one frame per 24 ms."""
    x = _convolved(graph, weights, 1, "sound", stride=64)
    x = graph.one("Reshape", graph.one("Tanh", x), graph.constant([1, 1, -1]))
    one, zero = graph.array("one", np.ones(1, np.float32)), graph.array("zero", np.zeros(1, np.float32))
    x = graph.one("InstanceNormalization", x, one, zero, epsilon=_EPSILON)
    x = graph.one("Reshape", x, graph.constant([1, WIDTH, -1]))
    x = graph.one("Mul", x, graph.array("group scale", weights.array(_GROUP_SCALE)))
    x = graph.one("Add", x, graph.array("group shift", weights.array(_GROUP_SHIFT)))
    for number, stride in ((2, 3), (3, 2)):
        x = graph.one("Gelu", _convolved(graph, weights, number, x, stride), domain=MICROSOFT)
    return graph.one("Transpose", x, perm=[0, 2, 1])


def _convolved(graph: Graph, weights: Weights, number: int, x: str, stride: int) -> str:
    parts = [f"conv{number}.weight_add_tensor", f"conv{number}.bias"]
    arrays = [graph.array(part, weights.array(part)) for part in parts if weights.has(part)]
    return graph.one("Conv", x, *arrays, strides=[stride])


def _prepared(graph: Graph, decoder: Weights, hidden: str) -> None:
    """Keys and values of what was heard, for the decoder's layers."""
    paths = [f"/model/decoder/layers.{layer}/encoder_attn/{part}_proj" for layer in range(LAYERS) for part in "kv"]
    projected = graph.projected(beside(decoder.projection(path) for path in paths), hidden)
    for number, part in enumerate(graph.node("Split", projected, outputs=len(paths), axis=-1, num_outputs=len(paths))):
        named = [f"heard.{number}"]
        _by_head(graph, part, named) if number % 2 else _turned(graph, part, named)


def _embedded(graph: Graph, weights: Weights) -> str:
    table = graph.array("embedding", weights.array(f"{_EMBEDDING}_quantized"))
    scale = graph.array("embedding scale", weights.array(f"{_EMBEDDING}_scale"))
    zero = graph.array("embedding zero", weights.array(f"{_EMBEDDING}_zero_point"))
    return graph.one("DequantizeLinear", graph.one("Gather", table, "tokens", axis=0), scale, zero)


def _decoder_layer(
    graph: Graph, weights: Weights, layer: int, x: str, past: Sequence[str], rotation: _Rotation
) -> tuple[str, list[str]]:
    """A layer's result, and its new keys and values."""
    path, name = f"/model/decoder/layers.{layer}", f"model.decoder.layers.{layer}"
    normed = _normed(graph, weights, f"{name}.input_layernorm", x)
    query, *present = _self_projections(graph, weights, path, normed, rotation)
    keys, values = (graph.one("Concat", old, new, axis=0) for old, new in zip(past, present, strict=True))
    mixed = _attended(graph, query, _turned(graph, keys), _by_head(graph, values), shape=(-1, 1, WIDTH), mask="mask")
    x = graph.one("Add", x, graph.projected(weights.projection(f"{path}/self_attn/o_proj"), mixed))
    normed = _normed(graph, weights, f"{name}.post_attention_layernorm", x)
    query = graph.projected(weights.projection(f"{path}/encoder_attn/q_proj").scaled(_HEAD_DIM**-0.5), normed)
    mixed = _attended(graph, query, f"heard.{2 * layer}", f"heard.{2 * layer + 1}", shape=(-1, 1, WIDTH))
    x = graph.one("Add", x, graph.projected(weights.projection(f"{path}/encoder_attn/o_proj"), mixed))
    both = graph.projected(weights.projection(f"{path}/mlp/fc1"), _normed(graph, weights, f"{name}.final_layernorm", x))
    content, gate = graph.node("Split", both, outputs=2, axis=-1, num_outputs=2)
    gated = graph.one("Mul", content, graph.one("QuickGelu", gate, domain=MICROSOFT, alpha=1.0))
    return graph.one("Add", x, graph.projected(weights.projection(f"{path}/mlp/fc2"), gated)), present


def _normed(graph: Graph, weights: Weights, name: str, x: str) -> str:
    scale = graph.array(f"{name} scale", weights.norm(name))
    return graph.one("LayerNormalization", x, scale, axis=-1, epsilon=_EPSILON)


def _self_projections(graph: Graph, weights: Weights, path: str, x: str, rotation: _Rotation) -> tuple[str, str, str]:
    """Query, key and value of vectors that look at each other."""
    query, key, value = (weights.projection(f"{path}/self_attn/{part}_proj") for part in "qkv")
    together = graph.projected(beside((query.scaled(_HEAD_DIM**-0.5), key, value)), x)
    query, key, value = graph.node("Split", together, outputs=3, axis=-1, num_outputs=3)
    return rotation(query), rotation(key), value


def _by_head(graph: Graph, x: str, named: Sequence[str] = ()) -> str:
    """``[8, N, 36]`` of ``N`` vectors."""
    split = graph.one("Reshape", x, graph.constant([-1, _HEADS, _HEAD_DIM]))
    return graph.node("Transpose", split, named=named, perm=[1, 0, 2])[0]


def _turned(graph: Graph, x: str, named: Sequence[str] = ()) -> str:
    """``[8, 36, N]`` of ``N`` vectors."""
    split = graph.one("Reshape", x, graph.constant([-1, _HEADS, _HEAD_DIM]))
    return graph.node("Transpose", split, named=named, perm=[1, 2, 0])[0]


def _attended(graph: Graph, query: str, keys: str, values: str, shape: Sequence[int], mask: str = "") -> str:
    """What each vector takes from those that it looks at."""
    scores = graph.one("MatMul", _by_head(graph, query), keys)
    if mask:
        scores = graph.one("Add", scores, mask)
    mixed = graph.one("MatMul", graph.one("Softmax", scores, axis=-1), values)
    return graph.one("Reshape", graph.one("Transpose", mixed, perm=[1, 0, 2]), graph.constant(shape))
