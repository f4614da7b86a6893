"""Makes a voice of one recording: its codes, and its text aligned with it.

The phones of the text lie along the best path through what the codec's phone recogniser hears.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mio.audio import read_audio
from mio.contracts.messages import FloatArray
from mio.contracts.phones import PHONES
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import MioError
from nodes.talker.clone import About, write_clone
from nodes.talker.kdm import Recording
from nodes.talker.models.codec.codec import VoiceCodec, fingerprint, read_codec
from nodes.talker.models.codec.sizes import FEATURE_SAMPLES
from nodes.talker.text.pronunciation import MARKS, pronounced_text
from nodes.talker.text.spellers import build_speller
from nodes.talker.training.alignment import STATES, best_path, chain_of
from nodes.talker.training.cepstra import STEP_SAMPLES
from nodes.talker.training.labels import Label, labels_of, with_pauses
from nodes.talker.training.phones import AHEAD, hear
from nodes.talker.training.speech_set import NUMBERS, normalised
from nodes.talker.training.tokens import encoded

_SHORTEST_S, _LONGEST_S = 1.0, 10.0  # less says little of a voice; the language model remembers 16 s


class Cloned(NamedTuple):
    """What became of a recording: its length in seconds, its phones, and the share of it that was heard as they are."""

    length_s: float
    phones: int
    heard: float


def clone(recording: Path, text: str, language: str, weights: Path, to: Path) -> Cloned:
    """Make a voice of a recording.

    Args:
        recording: Any sound file of one to ten seconds.
        text: What is said in it.
        language: ``en`` or ``de``.
        weights: Folder of the codec.
        to: Folder of the voice, made if it is missing.

    Raises:
        MioError: If one of them cannot be used, or the text does not fit into the sound.
    """
    codec, sound = read_codec(weights), normalised(read_audio(recording, SPEECH_HZ))
    if not _SHORTEST_S <= len(sound) / SPEECH_HZ <= _LONGEST_S:
        length = f"{len(sound) / SPEECH_HZ:.1f} s"
        raise MioError(f"{recording}: {length} of sound", f"cut it to {_SHORTEST_S:.0f} to {_LONGEST_S:.0f} s")
    labels, heard = _aligned(codec, sound, text, language)
    about = About(
        language,
        text,
        [list(PHONES)[label.phone] for label in labels],
        [label.start for label in labels],
        [label.stress for label in labels],
        [label.begins_word for label in labels],
        [MARKS[label.mark] for label in labels],
    )
    write_clone(to, about, Recording(encoded(codec, sound), len(sound), fingerprint(weights)))
    return Cloned(len(sound) / SPEECH_HZ, sum(label.phone > 0 for label in labels), heard)


@torch.inference_mode()
def _aligned(codec: VoiceCodec, sound: FloatArray, text: str, language: str) -> tuple[list[Label], float]:
    """Phones in time, and the share of the 10 ms in which the recogniser hears the phone that was found there."""
    spelled = with_pauses(pronounced_text(text, language, build_speller()))
    if len(spelled) < 2:
        raise MioError(f"nothing in {text[:40]!r} is spoken", "say in --text what is heard")
    chain = chain_of([NUMBERS[phone.symbol] for phone in spelled])
    whole = np.pad(sound, (0, -len(sound) % SPEECH_FRAME_SAMPLES))
    logits = hear(codec.recogniser(), torch.from_numpy(whole)[None, None], AHEAD)[0]
    steps = logits.log_softmax(-1).repeat_interleave(FEATURE_SAMPLES // STEP_SAMPLES, 0).numpy()
    path = best_path(steps[:, chain.states // STATES], chain)
    if not len(path):
        raise MioError(f"{len(sound) / SPEECH_HZ:.1f} s are too short for the text", "say in --text just what is heard")
    found = chain.states[path] // STATES
    return labels_of(spelled, chain, path), float(np.mean(steps.argmax(-1)[found > 0] == found[found > 0]))
