import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mio.cli.main import main
from mio.demo.events import EventReader
from mio.flow.running import RunningFlow

pytestmark = [pytest.mark.dataflow, pytest.mark.timeout(600)]

PARTS = Path(__file__).parent / "parts"
WaitUntil = Callable[..., None]


class Talk:
    """asker -> thinker -> journal: somebody who asks a character for its name twice a second."""

    def __init__(self, folder: Path, pack: Path) -> None:
        alive = {"alive": "dora/timer/secs/3600"}
        asked = {"transcript": {"source": "asker/transcript", "queue_size": 100}}
        replies = {"reply": {"source": "thinker/reply", "queue_size": 1000}}
        asker = {"path": str(PARTS / "asker/node.py"), "env": {"PYTHONSAFEPATH": "1"}, "inputs": alive}
        nodes = [
            {"id": "asker", "outputs": ["transcript"], **asker},
            {"id": "thinker", "path": "mio-thinker", "outputs": ["reply", "motion"], "inputs": asked},
            {"id": "journal", "path": "mio-journal", "inputs": {**asked, **replies}},
        ]
        flow = folder / "flow.yml"
        flow.write_text(yaml.safe_dump({"nodes": nodes}))
        env = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PARTS), os.environ.get("PYTHONPATH")])),
            "MIO_RUN_DIR": str(folder),
            "MIO_ASKER__QUESTION": "What is your name?",
            "MIO_JOURNAL__EVENTS": str(folder / "events.jsonl"),
            "MIO_THINKER__CHARACTER": str(pack),
            "MIO_THINKER__CACHE_DIR": str(folder / "cache"),
        }
        self.running = RunningFlow(flow, folder / "dora.log", env)
        self._reader = EventReader(folder / "events.jsonl")
        self._events: list[dict[str, Any]] = []

    def answers(self) -> dict[int, str]:
        """The answer so far to each turn."""
        self._events += self._reader.new()
        found: dict[int, str] = {}
        for event in self._events:
            if event["port"] == "reply":
                found[event["segment_id"]] = f"{found.get(event['segment_id'], '')} {event['text']}".strip()
        return found

    def says(self, words: str) -> int:
        """How many answers have these words."""
        return sum(words in answer for answer in self.answers().values())


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    with tempfile.TemporaryDirectory(prefix="mio") as control, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIO_CONTROL_DIR", control)
        assert main(["character", "new", str(tmp_path / "pip"), "--name", "Pip Reed"]) == 0
        started = Talk(tmp_path, tmp_path / "pip")
        yield started
        started.running.stop()


def test_a_running_conversation_goes_on_as_another_character(talk: Talk, tmp_path: Path, wait_until: WaitUntil) -> None:
    wait_until(lambda: talk.says("Pip Reed") >= 2, 120)
    assert main(["character", "new", str(tmp_path / "ada"), "--name", "Ada Berg"]) == 0
    assert main(["character", "use", str(tmp_path / "ada")]) == 0
    wait_until(lambda: talk.says("Ada Berg") >= 2, 120)
    (tmp_path / "broken").mkdir()
    assert main(["character", "use", str(tmp_path / "broken")]) == 1, "what cannot be read changes nothing"
    told = talk.says("Ada Berg")
    wait_until(lambda: talk.says("Ada Berg") >= told + 2, 120)
    answers = talk.answers()
    names = [next((name for name in ("Pip Reed", "Ada Berg") if name in answers[turn]), "") for turn in sorted(answers)]
    assert list(dict.fromkeys(names)) == ["Pip Reed", "Ada Berg"], "one after the other, and each answer is one's own"
    assert sorted(answers) == list(range(min(answers), max(answers) + 1)), "no turn was lost"
