import argparse
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mio.bench import character
from mio.bench._character_judge import DIMENSIONS, JudgeError, Scene, endpoint, judge, read_scores
from mio.bench.report import Report
from mio.errors import MioError

PIP = Path(__file__).parents[2] / "thinker" / "pip"
SCENE = Scene("Pip lives on a pier.", "A visitor comes.", "Visitor: Hello.\nCharacter: [happy] Hi!")
SCORES = dict(zip(DIMENSIONS, (5, 4, 3, 4, 5, 4, 3), strict=True))
KEY = "sk-very-secret"


class JudgeServer:
    """A judge on this machine: criticises, and scores what a test plans.

    Attributes:
        requests: Bodies that arrived.
        answers: What is written instead of scores, in order; then the scores come.
        status: HTTP status of all answers.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[str] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _write(self, body: dict[str, Any]) -> str:
        if "response_format" in body:
            return self.answers.pop(0) if self.answers else json.dumps(SCORES)
        return "And you, what do you eat?" if "Play the visitor" in body["messages"][0]["content"] else "Well played."

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(body)
                message = {"role": "assistant", "content": server._write(body)}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                key = self.headers["Authorization"]
                answer: dict[str, Any] = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
                answer |= {"choices": [choice]} if server.status == 200 else {"error": {"message": f"no {key}"}}
                data = json.dumps(answer).encode()
                self.send_response(server.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    server = JudgeServer()
    yield server
    server.close()


@pytest.fixture
def bench(server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    monkeypatch.setenv("MIO_THINKER__CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("MIO_CONFIG", raising=False)
    scenes = tmp_path / "scenes.yml"
    lines = '["Hello.", "How old is your dog?"]'
    scenes.write_text(f"scenes:\n  - {{id: pier, setting: A pier., visitor: A child., lines: {lines}}}\n")

    def run(*words: str) -> Report:
        parser = argparse.ArgumentParser()
        character.add_arguments(parser)
        given = ["--judge-url", server.url, "--scenes", str(scenes), "--character", str(PIP), *words]
        report = Report("character", Console(file=StringIO()))
        character.run(parser.parse_args(given), report)
        return report

    return run


def test_scenes_are_played_criticised_and_then_scored(bench: Callable[..., Report], server: JudgeServer):
    report = bench()
    assert report.figures["mean_of_5"] == pytest.approx(4.0)
    assert report.figures["knowledge_accuracy_of_5"] == 5.0
    assert report.figures["judged_scenes_share"] == 1.0
    critique, scores = server.requests
    assert "Rex is three." in critique["messages"][1]["content"]
    assert critique["temperature"] == 0 and "response_format" not in critique
    assert scores["messages"][-2] == {"role": "assistant", "content": "Well played."}
    assert report.tables["critiques"][0]["critique"] == "Well played."


def test_the_visitor_can_be_improvised(bench: Callable[..., Report], server: JudgeServer):
    report = bench("--improvise")
    assert "Visitor: And you, what do you eat?" in report.tables["critiques"][0]["played"]


def test_a_judge_is_asked_again_until_its_scores_are_valid(server: JudgeServer):
    server.answers = ["I liked it.", json.dumps({**SCORES, "immersion": 7})]
    judgement = judge(SCENE, endpoint(server.url, "m", ""))
    assert judgement.scores == SCORES
    assert "'immersion' is 7" in server.requests[-1]["messages"][-1]["content"]


def test_a_judge_that_never_scores_is_an_error(server: JudgeServer):
    server.answers = ["no"] * 3
    with pytest.raises(JudgeError, match="no JSON"):
        judge(SCENE, endpoint(server.url, "m", ""))


def test_scenes_that_cannot_be_judged_are_not_counted_as_good(bench: Callable[..., Report], server: JudgeServer):
    server.answers = ["no"] * 3
    with pytest.raises(MioError, match="no valid scores for any scene"):
        bench()


@pytest.mark.parametrize(
    "wrong", [4.5, "5", True, 0, 6, None], ids=["fraction", "text", "truth", "low", "high", "missing"]
)
def test_only_integers_from_one_to_five_are_scores(wrong: object):
    with pytest.raises(ValueError, match="adaptability"):
        read_scores(json.dumps({**SCORES, "adaptability": wrong}))


def test_scores_are_found_among_other_words():
    assert read_scores(f"Here:\n```json\n{json.dumps(SCORES)}\n```") == SCORES


def test_a_judge_that_refuses_is_one_clear_line_without_the_key(server: JudgeServer):
    server.status = 401
    with pytest.raises(MioError, match="check --judge-url") as error:
        judge(SCENE, endpoint(server.url, "m", KEY))
    assert KEY not in str(error.value)


def test_without_a_judge_the_error_says_how_to_name_one():
    parser = argparse.ArgumentParser()
    character.add_arguments(parser)
    with pytest.raises(MioError, match="--judge-url URL"):
        character.run(parser.parse_args([]), Report("character"))


def test_the_scenes_of_the_default_character_can_be_read():
    scenes = character._read_scripts(character._SCENES)
    assert len(scenes) >= 6 and all(1 <= len(scene.lines) <= 5 for scene in scenes)
