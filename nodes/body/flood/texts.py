"""Encoders of texts: what a denoiser was trained on decides which one it needs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch

from mio.errors import ConfigError
from mio.sentences.encoder import SentenceEncoder

Floats = npt.NDArray[np.float32]


class Tokens(Protocol):
    """A text as an encoder sees it."""

    @property
    def states(self) -> Floats:
        """``[T, D]``: each token in its context."""
        ...


class TextEncoder(Protocol):
    """Reads texts."""

    def read(self, texts: Sequence[str]) -> Sequence[Tokens]:
        """What it makes of the tokens of each text."""
        ...


class Umt5States(NamedTuple):
    """A text as UMT5 sees it.

    Attributes:
        states: ``[T, D]``: each token in its context, the one that marks the end included.
    """

    states: Floats


class Umt5Encoder:
    """UMT5 (Chung et al. 2023), on which the paper's authors trained their models, from a folder of the user's.

    The full model takes 11 GB in half precision; it reads each new text once.
    """

    def __init__(self, folder: Path) -> None:
        """Load it.

        Args:
            folder: As transformers writes one: configuration, weights and tokenizer.

        Raises:
            ConfigError: If transformers is not installed, or there is no such model in the folder.
        """
        try:
            from transformers import AutoTokenizer, UMT5EncoderModel
        except ImportError as error:
            raise ConfigError("a text encoder of one's own needs transformers", "pip install 'mio[train]'") from error
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = UMT5EncoderModel.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise ConfigError(f"no UMT5 in {folder}: {error}", "name a folder that transformers can read") from error

    @torch.no_grad()
    def read(self, texts: Sequence[str]) -> list[Umt5States]:
        """What it makes of the tokens of each text."""
        found: list[Umt5States] = []
        for text in texts:
            ids = torch.tensor([self._tokenizer(text)["input_ids"]])
            found.append(Umt5States(self._model(ids).last_hidden_state[0].float().numpy()))
        return found


def text_encoder(folder: Path | None) -> TextEncoder:
    """The packaged encoder, or UMT5 from a folder."""
    return SentenceEncoder() if folder is None else Umt5Encoder(folder)
