import json
import time

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Message, Reply
from tally.config import TallyConfig


class TallyEngine(Engine):
    def __init__(self, config: TallyConfig) -> None:
        self._file = config.path.open("a", buffering=1)

    def step(self, port: str, message: Message) -> Outputs:
        assert isinstance(message, Reply)
        engine, taken, number, part = message.text.split()
        line = {"engine": engine, "taken": int(taken), "number": int(number), "part": int(part), "seq": message.seq}
        self._file.write(
            json.dumps({**line, "sent_ns": message.sent_ns, "host": message.host, "mono_ns": time.monotonic_ns()})
            + "\n"
        )
        return ()

    def close(self) -> None:
        self._file.close()


def build_engine(config: TallyConfig) -> TallyEngine:
    return TallyEngine(config)
