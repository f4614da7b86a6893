import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

# A Llama of a few kilobytes whose weights spell fixed answers: its layers add nothing, and its output maps each token
# to the next one of a chain. The chat template chooses the chain by the conversation.
END, UNKNOWN = "<|end|>", "<|unknown|>"

CHAINS = {
    "<|marks|>": [
        "[happy]",
        " <greet>",
        " Hello",
        " there,",
        " I",
        " am",
        " a",
        " real",
        " model.",
        " [curious]",
        " You?",
    ],
    "<|json|>": [
        '{"say": [{"emotion": "tender", ',
        '"gesture": "nod", "text": "Yes,',
        " this is",
        ' JSON."}, {"emotion": "sad", "gesture": "none", "te',
        'xt": "It ends \\u263c.',
        '"}]}',
    ],
    "<|tool|>": ["<tool_call>", '{"name": "clock__time", ', '"arguments": {"place": "pier"}}', "</tool_call>"],
    "<|told|>": ["It", " is", " noon", " at", " the", " pier."],
}
LOOP = {"<|long|>": [" And", " so on", " it goes."]}
HIDDEN = 64

TEMPLATE = """
{%- for message in messages %}{{ message['content'] }} {% endfor %}
{%- set last = messages[-1]['content'] %}
{%- if messages[-1]['role'] == 'tool' %}<|told|>
{%- elif tools and 'time' in last %}<|tool|>
{%- elif 'long' in last %}<|long|>
{%- elif 'JSON' in messages[0]['content'] and 'plain' not in last %}<|json|>
{%- else %}<|marks|>{% endif %}"""

RESPONSES = {
    "defaults": {"role": "assistant"},
    "start_anchor_pattern": r"<\|(?:marks|json|tool|told|long)\|>",
    "fields": {
        "tool_calls": {
            "open_pattern": r"\s*<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close": END, "content": "text"},
    },
}


def make_model(folder: Path) -> None:
    """Write the model and its tokenizer."""
    chains = {start: [start, *tokens, END] for start, tokens in CHAINS.items()}
    chains |= {start: [start, *tokens, tokens[0]] for start, tokens in LOOP.items()}
    names = dict.fromkeys([END, UNKNOWN, *(token for chain in chains.values() for token in chain)])
    vocabulary = {token: number for number, token in enumerate(names)}
    embedding = np.eye(len(vocabulary), HIDDEN, dtype=np.float32)
    output = np.zeros_like(embedding)
    for chain in chains.values():
        for token, following in zip(chain, chain[1:], strict=False):
            output[vocabulary[following]] += 10.0 * embedding[vocabulary[token]]
    _save_weights(folder, embedding, output)
    _save_tokenizer(folder, vocabulary)


def _save_weights(folder: Path, embedding: np.ndarray, output: np.ndarray) -> None:
    layer = "model.layers.0."
    square = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    norms = [f"{layer}input_layernorm", f"{layer}post_attention_layernorm", "model.norm"]
    weights = {"model.embed_tokens.weight": embedding, "lm_head.weight": output}
    weights |= {f"{layer}{name}.weight": np.zeros((HIDDEN, HIDDEN), np.float32) for name in square}
    weights |= {f"{name}.weight": np.ones(HIDDEN, np.float32) for name in norms}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "vocab_size": len(embedding),
        "hidden_size": HIDDEN,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "max_position_embeddings": 8_192,
        "eos_token_id": 0,
        "bos_token_id": None,
        "tie_word_embeddings": False,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 0, "do_sample": False}))


def _save_tokenizer(folder: Path, vocabulary: dict[str, int]) -> None:
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([END, UNKNOWN, *CHAINS, *LOOP])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "unk_token": UNKNOWN,
        "response_template": RESPONSES,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "chat_template.jinja").write_text(TEMPLATE)


Fault = Literal["none", "refuse", "500", "garbage", "cut", "cut early", "silence", "silence early", "no structure"]

_ERROR = b'{"error": {"message": "%s", "type": "server_error"}}'


class FaultyProxy:
    """Forwards whole requests and streams answers, with a planned fault in each.

    Attributes:
        requests: What was asked, headers and body.
        gone_at: When the client left in the middle of an answer, ``time.monotonic``.
    """

    def __init__(self, port: int) -> None:
        self.requests: list[bytes] = []
        self.gone_at: list[float] = []
        self._behind = port
        self._faults: deque[Fault] = deque()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open = True
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def plan(self, *faults: Fault) -> None:
        """What happens to the next requests; later ones pass."""
        self._faults.extend(faults)

    def close(self) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()
        for thread in self._threads:
            thread.join(timeout=30.0)

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = _read_request(client)
            if not request:
                return
            fault = self._faults.popleft() if self._faults else "none"
            self.requests.append(request)
            if fault == "refuse":
                return
            if fault in ("500", "no structure"):
                self._answer_error(client, fault)
                return
            with socket.create_connection(("127.0.0.1", self._behind)) as server:
                server.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
                self._relay(server, client, fault)

    def _answer_error(self, client: socket.socket, fault: Fault) -> None:
        status = b"500 Internal Server Error" if fault == "500" else b"400 Bad Request"
        body = _ERROR % (b"response_format is not supported" if fault == "no structure" else b"out of memory")
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        client.sendall(head % (status, len(body)) + body)

    def _relay(self, server: socket.socket, client: socket.socket, fault: Fault) -> None:
        """Send the answer on; the fault comes after some pieces with words in them, or before the first."""
        after = {"cut": 6, "silence": 6}.get(fault, 0)
        pieces = 0
        server.settimeout(0.02)
        while True:
            if _has_left(client):
                self.gone_at.append(time.monotonic())
                return
            try:
                data = server.recv(65_536)
            except TimeoutError:
                continue
            if not data:
                return
            if fault == "garbage":
                data = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + b"5\r\n\xff\xfe{[\n\r\n" * 40
            pieces += data.count(b'"content":')
            if fault != "none" and pieces >= after:
                self._break(data, client, fault)
                return
            try:
                client.sendall(data)
            except OSError:  # it left just now
                self.gone_at.append(time.monotonic())
                return

    def _break(self, data: bytes, client: socket.socket, fault: Fault) -> None:
        if fault in ("cut", "silence", "garbage"):
            client.sendall(data)
        if fault.startswith("silence"):
            deadline = time.monotonic() + 30.0
            while not _has_left(client) and time.monotonic() < deadline:
                time.sleep(0.01)


def _read_request(client: socket.socket) -> bytes:
    client.settimeout(10.0)
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0]):
        body += client.recv(65_536)
    return head + b"\r\n\r\n" + body


def _has_left(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        client.setblocking(True)


class Served:
    """The server of the package transformers with that model, behind the proxy."""

    def __init__(self, proxy: FaultyProxy, model: str) -> None:
        self.proxy = proxy
        self.model = model


@pytest.fixture(scope="session")
def transformers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """Port and model name of a running ``transformers serve``."""
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    folder = tmp_path_factory.mktemp("served")
    make_model(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with (folder / "log").open("wb") as log:
        command = [*program, "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_answers(process, port, folder / "log")
        yield port, str(folder)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 180.0
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5.0).close()
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture
def served(transformers_server: tuple[int, str]) -> Iterator[Served]:
    port, model = transformers_server
    proxy = FaultyProxy(port)
    yield Served(proxy, model)
    proxy.close()
