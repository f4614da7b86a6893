"""Weights of Moonshine's networks, read out of the files that the package moonshine-voice carries.

The files are in ONNX Runtime's own format, which only ONNX Runtime reads; it writes them again as ONNX.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import numpy_helper

from mio.errors import MioError

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]

_BIAS_INPUT = 4
_MERGED = "_merged_0"  # the decoder's file is a merger of two networks, with and without past
_FREQUENCIES = ("onnx::Expand_202", "onnx::Expand_248")  # in the encoder and in the decoder
_OPERANDS = {"MatMulIntegerToFloat": (1, 3, 5), "DynamicQuantizeMatMul": (1, 2, 3)}
"""Which inputs of ONNX Runtime's quantised products are the matrix, its scale and its zero point."""


class Projection(NamedTuple):
    """A quantised linear layer: ``(matrix - zero) * scale``, and a bias.

    Attributes:
        matrix: ``[inputs, outputs]``.
        scale: ``[outputs]``.
        zero: ``[outputs]``.
        bias: ``[outputs]``; None for none.
    """

    matrix: ByteArray
    scale: FloatArray
    zero: ByteArray
    bias: FloatArray | None = None

    def scaled(self, factor: float) -> "Projection":
        """The same layer with its results multiplied; only for layers without bias."""
        return self._replace(scale=self.scale * np.float32(factor))


def beside(projections: Iterable[Projection]) -> Projection:
    """One layer that gives the results of several ones without bias, one after the other."""
    matrices, scales, zeros, _ = zip(*projections, strict=True)
    return Projection(np.concatenate(matrices, axis=1), np.concatenate(scales), np.concatenate(zeros))


class Weights:
    """Arrays of one network, by the names that its exporter gave them."""

    def __init__(self, path: Path) -> None:
        """Read a network.

        Args:
            path: File in ONNX Runtime's format.

        Raises:
            MioError: If it is none.
        """
        self._path = path
        self._arrays: dict[str, onnx.TensorProto] = {}
        self._makers: dict[str, onnx.NodeProto] = {}
        self._collect(_as_onnx(path).graph)

    def array(self, name: str) -> npt.NDArray[np.generic]:
        """A constant array."""
        try:
            return numpy_helper.to_array(self._arrays[name])
        except KeyError:
            raise self._unknown(name) from None

    def has(self, name: str) -> bool:
        """Whether there is a constant array."""
        return name in self._arrays

    def norm(self, module: str) -> npt.NDArray[np.generic]:
        """``[width]`` scale of a layer normalisation by its module, such as ``layers.0.input_layernorm``."""
        merged = f"{module}.weight{_MERGED}"
        return self.array(merged if self.has(merged) else f"{module}.weight")

    def frequencies(self) -> FloatArray:
        """``[1, 16]`` by which positions rotate."""
        name = next((name for name in _FREQUENCIES if self.has(name)), _FREQUENCIES[0])
        return self.array(name).astype(np.float32).reshape(1, -1)

    def projection(self, layer: str) -> Projection:
        """A quantised layer by the path of its module, such as ``/layers.0/mlp/fc1``."""
        node = self._makers.get(f"{layer}/MatMul_output_0") or self._makers.get(f"{layer}/Add_output_0")
        if node is None or node.op_type not in _OPERANDS:
            raise self._unknown(layer)
        return self._projection(node)

    def projection_to(self, output: str) -> Projection:
        """The quantised layer that gives an output of the network."""
        node = self._makers.get(output)
        if node is None or node.op_type not in _OPERANDS:
            raise self._unknown(output)
        return self._projection(node)

    def _projection(self, node: onnx.NodeProto) -> Projection:
        matrix, scale, zero = (self.array(node.input[at]) for at in _OPERANDS[node.op_type])
        outputs = matrix.shape[1]
        bias = node.input[_BIAS_INPUT] if node.op_type == "DynamicQuantizeMatMul" else ""
        return Projection(
            matrix.astype(np.uint8),
            np.broadcast_to(scale.astype(np.float32), outputs),
            np.broadcast_to(zero.astype(np.uint8), outputs),
            self.array(bias).astype(np.float32) if bias else None,
        )

    def _collect(self, graph: onnx.GraphProto) -> None:
        self._arrays.update((tensor.name, tensor) for tensor in graph.initializer)
        for node in graph.node:
            self._makers.update((output, node) for output in node.output)
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    self._collect(attribute.g)

    def _unknown(self, name: str) -> MioError:
        return MioError(f"{self._path} has no {name}", "use the model that the package moonshine-voice carries")


def _as_onnx(path: Path) -> onnx.ModelProto:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.add_session_config_entry("session.save_model_format", "ONNX")
    with TemporaryDirectory(prefix="mio-") as folder:
        written = Path(folder) / "model.onnx"
        options.optimized_model_filepath = str(written)
        try:
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            return onnx.load(str(written))
        except Exception as error:  # onnxruntime's own exceptions have no common base but this
            raise MioError(f"{path}: {error}", "reinstall the package that carries it") from error
