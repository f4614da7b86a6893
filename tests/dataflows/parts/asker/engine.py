from typing import Any

from asker.config import AskerConfig
from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Message, Transcript


class AskerEngine(Engine):
    """Asks the same again and again, each time as a turn of its own."""

    def __init__(self, config: AskerConfig) -> None:
        self.tick_hz = 1 / config.every_s
        self._question = config.question
        self._turn = 0

    def step(self, port: str, message: Message) -> Outputs:
        self._turn += 1
        yield "transcript", Transcript(text=self._question, final=True, segment_id=self._turn)

    def export_state(self) -> dict[str, Any]:
        return {"turn": self._turn}

    def import_state(self, state: dict[str, Any]) -> None:
        self._turn = state.get("turn", 0)


def build_engine(config: AskerConfig) -> AskerEngine:
    return AskerEngine(config)
