import os
import signal
import time
from typing import Any

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Message, Reply
from mio.errors import MioError
from relay.config import RelayConfig


class RelayEngine(Engine):
    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self._taken = 0
        time.sleep(config.load_s)
        if config.engine == "bad":
            raise MioError("the weights are broken", "train them again")
        if config.engine == "dies":
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self, port: str, message: Message) -> Outputs:
        self._taken += 1
        assert isinstance(message, Reply)
        if self._config.engine == "hangs" and self._taken % 100 == 0:
            time.sleep(1_000)
        for part in range(self._config.copies):
            time.sleep(self._config.step_s)
            yield "y", Reply(text=f"{self._config.engine} {self._taken} {message.text} {part}")

    def export_state(self) -> dict[str, Any]:
        return {"taken": self._taken}

    def import_state(self, state: dict[str, Any]) -> None:
        self._taken = state.get("taken", 0)


def build_engine(config: RelayConfig) -> RelayEngine:
    return RelayEngine(config)
