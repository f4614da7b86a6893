"""The one captured face with its voice: the voice's words and phones, and what an engine shows while it speaks them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.audio import read_audio
from mio.bench._face_stage import Stage
from mio.contracts.engine import Engine
from mio.contracts.messages import Speech
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.measure import likeness
from nodes.face.training.alignment import Aligner

Frames = npt.NDArray[np.float32]

_BEGIN_S = 2.0
_CHUNK = 10 * SPEECH_FRAME_SAMPLES


class SpokenPair(NamedTuple):
    """A voice.

    Attributes:
        text: What was recognised.
        phones: How many phones are known.
        turn: The voice as a talker sends it.
    """

    text: str
    phones: int
    turn: list[Speech]


def read(path: Path) -> SpokenPair:
    """Recognise and align a recording; where that fails, its mouth is left to loudness."""
    heard, voice = read_audio(path, MICROPHONE_HZ), read_audio(path, SPEECH_HZ)
    text = _recognised(heard)
    phones = Aligner().align(text, heard) or []
    voice = np.pad(voice, (0, -len(voice) % _CHUNK))
    turn: list[Speech] = []
    for start in range(0, len(voice), _CHUNK):
        first = start == 0
        turn.append(
            Speech(
                samples=voice[start : start + _CHUNK],
                start_sample=start,
                segment_id=1,
                phones=[phone.symbol for phone in phones] if first else [],
                phone_start_s=[phone.start_s for phone in phones] if first else [],
                phone_stress=[phone.stress for phone in phones] if first else [],
                fin=start + _CHUNK >= len(voice),
            )
        )
    return SpokenPair(text, len(phones), turn)


def shown(engine: Engine, spoken: SpokenPair) -> Frames:
    """``[n, 112]`` frames of an engine from the voice's first sample on."""
    stage = Stage(engine)
    end_s = stage.say(_BEGIN_S, spoken.turn)
    seen = stage.run(end_s + 0.5)
    begin_s = seen.starts_s[1]
    return seen.between(begin_s, end_s)


def figures(made: Frames, real: Frames) -> dict[str, float]:
    """Measures of a speaking face, over the time that both cover; the real one's head is centred."""
    count = min(len(made), len(real))
    made, real = made[:count], real[:count]
    return {
        "LVE": likeness.lip_error_mm(made, real),
        "MHD": likeness.head_error_mm(made, real),
        "FDD": likeness.upper_face_difference(made, real),
        "PDD": likeness.pose_difference(made, real),
        "JDD": likeness.jaw_difference(made, real),
    }


def _recognised(sound: Frames) -> str:
    from nodes.listener.config import MoonshineConfig
    from nodes.listener.moonshine import Moonshine
    from nodes.listener.recognition import NOTHING, Section

    model, texts = Moonshine(MoonshineConfig(), []), list[str]()
    piece = round(model.longest_s * MICROPHONE_HZ * 0.75)
    for start in range(0, len(sound), piece):
        work = model.recognize(Section(start, sound[start : start + piece]), NOTHING, settled=True)
        while True:
            try:
                next(work)
            except StopIteration as done:
                texts.append(done.value.text)
                break
    return " ".join(texts)
