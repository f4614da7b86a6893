"""Networks in ONNX, put together operation by operation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from nodes.listener.moonshine_weights import Projection

MICROSOFT = "com.microsoft"
"""Domain of the operations that only ONNX Runtime has."""

Shapes = dict[str, tuple[int, list[int | str]]]
"""Element type and shape of each input or output; a name stands for a length that varies."""

_OPSET = 18
_IR_VERSION = 9


class Graph:
    """An ONNX graph under construction."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._arrays: dict[str, onnx.TensorProto] = {}

    def array(self, name: str, values: np.ndarray[Any, Any]) -> str:
        """Add a constant; its name."""
        self._arrays[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def constant(self, values: Sequence[int]) -> str:
        """Add a list of numbers, such as a shape; its name."""
        return self.array(f"constant {list(values)}", np.array(values, np.int64))

    def node(
        self, operator: str, *inputs: str, outputs: int = 1, named: Sequence[str] = (), **attributes: Any
    ) -> list[str]:
        """Add an operation; the names of its results."""
        results = list(named) or [f"{operator} {len(self._nodes)} {n}" for n in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), results, **attributes))
        return results

    def one(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation with one result; its name."""
        return self.node(operator, *inputs, **attributes)[0]

    def projected(self, projection: Projection, x: str) -> str:
        """Add a linear layer."""
        name = f"layer {len(self._nodes)}"
        inputs = [
            x,
            self.array(f"{name} matrix", projection.matrix),
            self.array(f"{name} scale", projection.scale),
            self.array(f"{name} zero", projection.zero),
        ]
        if projection.bias is not None:
            inputs.append(self.array(f"{name} bias", projection.bias))
        return self.one("DynamicQuantizeMatMul", *inputs, domain=MICROSOFT)

    def model(
        self,
        inputs: Shapes,
        outputs: Shapes,
    ) -> bytes:
        """The finished network."""
        infos = [
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in side.items()]
            for side in (inputs, outputs)
        ]
        graph = helper.make_graph(self._nodes, "moonshine", *infos, initializer=list(self._arrays.values()))
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()
