import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mio.character import Character, read_character
from mio.paths import share
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.construction.pack_story import read_story
from nodes.thinker.engine import Material, build_storyteller
from nodes.thinker.story import StoryEngine
from nodes.thinker.storyteller import Storyteller
from nodes.thinker.understanding import Understanding


@pytest.fixture(scope="session")
def pack() -> Path:
    """A small character pack."""
    return Path(__file__).parent / "pip"


@pytest.fixture(scope="session")
def pip(pack: Path) -> Character:
    return read_character(pack)


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.fixture(scope="session")
def understanding(pip: Character, encoder: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory) -> Understanding:
    return Understanding(pip.knowledge().entries, encoder, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def storyteller(pip: Character, understanding: Understanding) -> Storyteller:
    return Storyteller(pip.knowledge(), understanding)


@pytest.fixture
def engine(storyteller: Storyteller) -> StoryEngine:
    return StoryEngine(storyteller, language="en", seed=0)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def mara(request: pytest.FixtureRequest, encoder: SentenceEncoder) -> Iterator[Storyteller]:
    """The default character; her vectors are kept between test runs."""
    cache: pytest.Cache = request.config.cache
    config = ThinkerConfig(cache_dir=cache.mkdir("thinker"))
    character = read_character(share("characters", "mara"))
    yield build_storyteller(config, Material(character, read_story(character.folder), encoder))


class ChatServer:
    """A chat endpoint on this machine that streams what a test tells it, faults included.

    Attributes:
        requests: Bodies of the requests that arrived.
        headers: Their headers, names in lower case.
        gone_at: When a client was found to have left in the middle of an answer, ``time.monotonic``.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.gone_at: list[float] = []
        self._scripts: deque[Sequence[Any]] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def plan(self, *script: Any) -> None:
        """What the next request gets.

        A text is a token; a number waits so many seconds; bytes go out as they are; an int of three digits is an HTTP
        status; ``"CUT"`` closes the connection; ``"STAY"`` sends nothing more until the client has gone. A script
        that does not end in one of the last two is finished properly.
        """
        self._scripts.append(script)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append(json.loads(body))
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                script = server._scripts.popleft() if server._scripts else ("Hello.",)
                with contextlib.suppress(OSError):
                    server._play(self, script)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _play(self, handler: BaseHTTPRequestHandler, script: Sequence[Any]) -> None:
        if script and isinstance(script[0], int) and script[0] >= 100:
            self._refuse(handler, script[0])
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for item in script:
            if item == "CUT":
                return
            if item == "STAY":
                self._stay(handler)
                return
            if isinstance(item, float):
                time.sleep(item)
            else:
                handler.wfile.write(item if isinstance(item, bytes) else self._chunk({"content": item}))
                handler.wfile.flush()
        handler.wfile.write(self._chunk({}, "stop") + b"data: [DONE]\n\n")

    def _refuse(self, handler: BaseHTTPRequestHandler, status: int) -> None:
        key = handler.headers.get("Authorization", "")
        body = json.dumps({"error": {"message": f"no, {key}"}}).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _stay(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.settimeout(20.0)
        try:
            left = not handler.connection.recv(1)
        except TimeoutError:
            left = False
        except OSError:
            left = True
        if left:
            self.gone_at.append(time.monotonic())

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return f"data: {json.dumps(chunk)}\n\n".encode()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()
