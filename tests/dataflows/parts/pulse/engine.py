from typing import Any

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Message, Reply
from pulse.config import PulseConfig


class PulseEngine(Engine):
    def __init__(self, config: PulseConfig) -> None:
        self.tick_hz = config.rate_hz
        self._count = 0

    def step(self, port: str, message: Message) -> Outputs:
        self._count += 1
        yield "x", Reply(text=str(self._count))

    def export_state(self) -> dict[str, Any]:
        return {"count": self._count}

    def import_state(self, state: dict[str, Any]) -> None:
        self._count = state.get("count", 0)


def build_engine(config: PulseConfig) -> PulseEngine:
    return PulseEngine(config)
