import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mio.cli import main
from mio.errors import MioError
from nodes.thinker.construction.building import Progress, build_graph, plan
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.construction.model_reader import ModelReader
from nodes.thinker.construction.pack_story import read_story
from nodes.thinker.construction.reading import PIECE_WORDS, parse_reading, pieces_of, schema

ONE = "Captain Nemo met a fox at the river. The fox was his friend. Nemo lost his ring."
TWO = "Nemo, whom they call Prince Dakkar, found the ring. The fox and he were friends no more."
CHAPTERS = [Chapter(1, "One", ONE), Chapter(2, "Two", TWO)]
READINGS: list[dict[str, Any]] = [
    {
        "things": [
            {"id": "nemo", "name": "Captain Nemo", "type": "character", "aliases": ["Nemo", "Dakkar"],
             "text": "A captain."},
            {"id": "fox", "name": "the fox", "type": "character", "aliases": [], "text": "A fox."},
            {"id": "river", "name": "the river", "type": "place", "aliases": [], "text": "A river."},
        ],
        "events": [
            {"name": "They meet", "text": "Nemo met a fox.", "quote": "met a fox", "who": ["nemo", "The Fox", "who?"],
             "where": "river", "known_by": [], "salience": 0.9},
            {"name": "The ring is lost", "text": "Nemo lost his ring.", "quote": "lost  HIS ring", "who": ["nemo"],
             "where": "", "known_by": ["nemo"], "salience": 0.4},
        ],
        "conditions": [
            {"id": "friends", "type": "relation_state", "text": "They are friends.", "about": ["nemo", "fox"],
             "quote": "his friend", "known_by": [], "ends": []},
        ],
    },
    {
        "things": [{"id": "nemo", "name": "Captain Nemo", "type": "character", "aliases": ["Prince Dakkar"],
                    "text": "x"}],
        "events": [],
        "conditions": [
            {"id": "friends", "type": "relation_state", "text": "They are no friends.", "about": ["nemo", "fox"],
             "quote": "friends no more", "known_by": [], "ends": ["friends"]},
        ],
    },
]  # fmt: skip


class Endpoint:
    """Answers chat completions with what a test plans: a status, or the model's text."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[int | str] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                answer = endpoint.answers.pop(0)
                status, body = (
                    (answer, {"error": {"message": "no"}}) if isinstance(answer, int) else (200, said(answer))
                )
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()


def said(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()
    endpoint.thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def reader(endpoint: Endpoint, waits: list[float]) -> Iterator[ModelReader]:
    reader = ModelReader(endpoint.url, "m", "sk-secret", waits.append)
    yield reader
    reader.close()


def build(reader: ModelReader, folder: Path) -> tuple[Any, list[Progress]]:
    seen: list[Progress] = []
    return build_graph(CHAPTERS, reader, folder, seen.append), seen


def test_readings_become_a_graph_with_the_times_of_their_quotes(
    endpoint: Endpoint, reader: ModelReader, tmp_path: Path
):
    endpoint.answers += [json.dumps(reading) for reading in READINGS]
    built, seen = build(reader, tmp_path)
    nodes = {node.id: node for node in built.graph.nodes}
    edges = {(edge.src, edge.rel, edge.dst) for edge in built.graph.edges}
    assert nodes["c1_1_1"].t_start == pytest.approx((ONE.index("river.") + 6) / len(ONE))
    assert nodes["c1_1_2"].t_start == 1.0
    assert (nodes["fox"].text, nodes["fox_is"].text, nodes["fox_is"].t_start) == (ONE[:36], "A fox.", 1.0)
    assert {("nemo", "takes_part", "c1_1_1"), ("fox", "takes_part", "c1_1_1"), ("c1_1_1", "at", "river")} <= edges
    assert built.unknown == ["who?"]
    assert nodes["c1_1_2"].known_by == ("nemo",)
    assert "c1_1_1" in built.graph.passages[0].nodes
    assert [(progress.done, progress.used) for progress in seen] == [(1, (100, 20)), (2, (200, 40))]
    form = endpoint.requests[0]["response_format"]["json_schema"]
    assert form["strict"]
    assert ONE in endpoint.requests[0]["messages"][1]["content"]
    assert "friends: They are friends." in endpoint.requests[1]["messages"][1]["content"]


def test_nothing_is_told_earlier_than_the_piece_that_tells_it(endpoint: Endpoint, reader: ModelReader, tmp_path: Path):
    endpoint.answers += [json.dumps(reading) for reading in READINGS]
    graph = build(reader, tmp_path)[0].graph
    nodes = {node.id: node for node in graph.nodes}
    assert "nemo_called_nemo" in nodes
    assert "nemo_called_dakkar" not in nodes, "the piece does not say it"
    called = next(node for node in graph.nodes if node.name == "Prince Dakkar")
    assert called.t_start > 1
    assert nodes["friends"].t_end == nodes["friends_2"].t_start > 1
    for edge in graph.edges:
        assert edge.t_start >= max(nodes[edge.src].t_start, nodes[edge.dst].t_start)


def test_what_was_read_is_not_read_again(endpoint: Endpoint, reader: ModelReader, tmp_path: Path):
    endpoint.answers += [json.dumps(READINGS[0]), 401]
    with pytest.raises(MioError, match="does not read"):
        build(reader, tmp_path)
    endpoint.answers += [json.dumps(READINGS[1])]
    whole, seen = build(reader, tmp_path)
    assert len(endpoint.requests) == 3
    assert seen[-1] == Progress(done=2, total=2, used=(100, 20), kept=1)
    assert build(reader, tmp_path)[0].graph == whole.graph
    cut = next((tmp_path / ".readings").glob("0002-*"))
    cut.write_bytes(cut.read_bytes()[:50])
    endpoint.answers += [json.dumps(READINGS[1])]
    assert build(reader, tmp_path)[0].graph == whole.graph


def test_faults_are_tried_again_and_what_does_not_fit_is_asked_again(
    endpoint: Endpoint, reader: ModelReader, waits: list[float], tmp_path: Path
):
    fenced = f"Here it is:\n```json\n{json.dumps(READINGS[0])}\n```"
    endpoint.answers += [500, "I would rather not.", fenced, 429, json.dumps(READINGS[1])]
    built, _ = build(reader, tmp_path)
    assert built.progress.used == (300, 60), "refused answers cost, too"
    assert waits == [1.0, 1.0]
    assert "does not fit the schema" in endpoint.requests[2]["messages"][-1]["content"]


def test_an_endpoint_without_structured_output_is_asked_without(
    endpoint: Endpoint, reader: ModelReader, tmp_path: Path
):
    endpoint.answers += [400, *(json.dumps(reading) for reading in READINGS)]
    build(reader, tmp_path)
    assert ["response_format" in request for request in endpoint.requests] == [True, False, False]


def test_an_endpoint_that_never_reads_is_named_without_its_key(endpoint: Endpoint, reader: ModelReader, tmp_path: Path):
    endpoint.answers += ["{}"] * 4
    with pytest.raises(MioError, match="does not read: not a reading: .*missing required field") as caught:
        build(reader, tmp_path)
    assert "sk-secret" not in str(caught.value)


def test_a_text_is_built_with_a_model_by_command(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    (tmp_path / "text.md").write_text(f"# One\n\n{ONE}\n\n# Two\n\n{TWO}\n")
    endpoint.answers += [json.dumps(reading) for reading in READINGS]
    words = ["story", "build", str(tmp_path / "text.md"), "-o", str(tmp_path / "pack"), "--url", endpoint.url]
    assert main.main([*words, "--model", "m", "--price", "2", "10", "--present", "1"]) == 0
    story = read_story(tmp_path / "pack")
    assert story is not None
    assert story.present.t_now == 1
    assert "200 + 40 tokens, 0.00 of your currency" in capsys.readouterr().out
    assert main.main(["story", "check", str(tmp_path / "pack")]) == 0


def test_long_chapters_are_read_in_pieces_that_lose_nothing():
    paragraphs = [" ".join(f"w{number}_{index}" for index in range(300)) for number in range(8)]
    chapter = Chapter(3, "", "\n\n".join(paragraphs))
    pieces = pieces_of(chapter)
    assert [word for piece in pieces for word in piece.text.split()] == chapter.text.split()
    assert all(chapter.text[piece.begin :].startswith(piece.text) for piece in pieces)
    assert all(len(piece.text.split()) <= PIECE_WORDS for piece in pieces)
    assert plan([chapter]) == pieces


def test_the_schema_wants_everything_and_nothing_else():
    definitions = [schema(), *schema()["$defs"].values()]
    assert all(one["additionalProperties"] is False for one in definitions)
    assert all(sorted(one["required"]) == sorted(one["properties"]) for one in definitions)
    assert parse_reading('{"things": [], "events": [], "conditions": []}').events == []
