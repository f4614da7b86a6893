"""How far the judge of words can be trusted: recordings of people, and the voices saying the same sentences.

The judge is what ``mio train voice --stage judge`` makes of recordings; ``mio bench tts`` hears the voices with it.
Here it hears sentences that it has not learned from, with a language model of just them and of the sentences of
``mio bench tts`` (``closed``), and with their words in any order (``unigram``); PocketSphinx hears the English ones in
the same two ways. What words weigh against sound is chosen by recordings of the validation split, table ``balance``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from mio.bench._speech_set import data_folder, recordings
from mio.bench._talker_engine import add_weights_arguments, engine_config
from mio.bench._word_judge import (
    Balance,
    WordJudge,
    add_judge_argument,
    lexicon_of,
    misheard,
    recognisers_of,
)
from mio.bench.report import Report
from mio.bench.tts import unseen_sentences
from mio.contracts.messages import Reply
from mio.contracts.rates import SPEECH_HZ
from mio.errors import MioError
from nodes.talker.clause import ClauseVoice
from nodes.talker.espeak import EspeakVoice
from nodes.talker.kodama import KodamaVoice
from nodes.talker.text.spellers import build_speller
from nodes.talker.training.judge import AcousticModel, trained_judge

Floats = npt.NDArray[np.float32]
Spoken = tuple[str, Floats]
"""A text, and ``[n]`` samples at 24 kHz."""

DURATION = "about 8 min, 10 min with --balance"

_TARS = {"en": "en_kathleen.tar", "de": "de_kerstin.tar"}
_BALANCES = [Balance(language, word) for language in (1.0, 2.0, 3.0, 4.0) for word in (-2.0, 0.0, 2.0)]
_SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--data", type=Path, help="data folder with speech (MIO_DATA)")
    add_judge_argument(parser)
    add_weights_arguments(parser)
    parser.add_argument("--utterances", type=int, default=60, help="of each voice at most (60)")
    parser.add_argument("--balance", action="store_true", help="also try what words may weigh against sound")


def run(args: argparse.Namespace, report: Report) -> None:
    """Let the recognisers hear recordings and the voices."""
    torch.set_num_threads(1)
    folder = data_folder(args.data)
    if folder is None:
        raise MioError("no speech to judge", "name the data folder with --data or MIO_DATA")
    judge, config = trained_judge(args.judge), engine_config(args, "kodama")
    voices: dict[str, ClauseVoice] = {
        "kodama": KodamaVoice.read(config),
        "espeak": EspeakVoice(config.voice_settings()),
    }
    for lang, tar in _TARS.items():
        if args.balance:
            _try_balances(report, lang, _recorded(folder, tar, "val", args.utterances), judge)
        real = _recorded(folder, tar, "test", args.utterances)
        said = {name: [(text, _said(voice, text, lang)) for text, _ in real] for name, voice in voices.items()}
        recognisers = recognisers_of([*unseen_sentences()[lang], *(text for text, _ in real)], lang, judge)
        for name, group in {"recordings": real, **said}.items():
            cells = {by: f"{misheard(group, recogniser).share:.1%}" for by, recogniser in recognisers.items()}
            report.row("judges", language=lang, voice=name, sentences=len(group), **cells)
    report.note("it has learned from the speakers of the recordings, which favours voices like theirs over espeak-ng")


def _recorded(folder: Path, tar: str, split: str, count: int) -> list[Spoken]:
    return [(one.text, one.sound) for one in recordings(folder, tar, split, count, _SEED, SPEECH_HZ)]


def _said(voice: ClauseVoice, text: str, lang: str) -> Floats:
    pieces = [piece for piece in voice.speak(Reply(text=text, language=lang)) if piece is not None]
    return np.concatenate([piece.samples for piece in pieces])


def _try_balances(report: Report, lang: str, val: Sequence[Spoken], judge: AcousticModel) -> None:
    texts = [*unseen_sentences()[lang], *(text for text, _ in val)]
    lexicon = lexicon_of(texts, lang, build_speller())
    for balance in _BALANCES:
        judged = WordJudge(judge, lexicon, texts, in_any_order=True, balance=balance)
        share = misheard(val, judged).share
        weights = {"language_factor": balance.language, "word_nats": balance.word}
        report.row("balance", language=lang, **weights, judged_unigram=f"{share:.1%}")
