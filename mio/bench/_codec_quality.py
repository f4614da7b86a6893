"""How much of a voice a codec leaves: PESQ, STOI, SI-SDR, mel distance, and the words that a recogniser hears."""

import math
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch

from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.errors import MioError, Needing
from nodes.listener.language_model import write_arpa
from nodes.listener.utterance import words
from nodes.talker.training.losses import MelDistance

FloatArray = npt.NDArray[np.float32]

_OPUS_HZ = 48_000
_CODEC2_HZ = 8_000
_CODEC2_LATE = 160  # samples that its sound comes late, by the envelopes of both
_DB_PER_NEPER = 8.686
_SILENCE = 1e-4  # magnitude of a band
_SILENCE_SAMPLES = MICROPHONE_HZ * 3 // 20  # as recordings begin and end


class Quality(NamedTuple):
    """Of decoded against real speech.

    Attributes:
        pesq: ITU-T P.862.2, wide band, 1 to 4.6.
        stoi: Taal et al. 2011, 0 to 1.
        si_sdr_db: Le Roux et al. 2019.
        mel_db: Mean difference of log-mel spectra.
    """

    pesq: float
    stoi: float
    si_sdr_db: float
    mel_db: float


def quality(real: FloatArray, made: FloatArray) -> Quality:
    """Compare ``[n]`` with ``[n]`` at 24 kHz.

    Raises:
        MioError: If a package is missing.
    """
    with Needing("measuring", "bench"):
        from pesq import NoUtterancesError, pesq
        from pystoi import stoi
    wanted, found = (np.asarray(soxr.resample(sound, SPEECH_HZ, MICROPHONE_HZ), np.float64) for sound in (real, made))
    try:
        wide_band = float(pesq(MICROPHONE_HZ, wanted, found, "wb"))
    except NoUtterancesError:  # nothing that it takes for speech is left
        wide_band = 1.0
    return Quality(wide_band, float(stoi(wanted, found, MICROPHONE_HZ)), si_sdr_db(real, made), mel_db(real, made))


def mel_db(real: FloatArray, made: FloatArray) -> float:
    """Mean difference of log-mel spectra over three windows, all below -80 dB counted as that."""
    mel = MelDistance()
    waves = [torch.from_numpy(sound)[None, None] for sound in (made, real)]
    logarithms = [[mel.mel(wave, window).clamp(min=_SILENCE).log() for wave in waves] for window in mel.windows]
    return _DB_PER_NEPER * float(np.mean([float((found - wanted).abs().mean()) for found, wanted in logarithms]))


def si_sdr_db(real: FloatArray, made: FloatArray) -> float:
    """Scale-invariant signal-to-distortion ratio."""
    truth, found = (x.astype(np.float64) - x.mean() for x in (real, made))
    aimed = truth * (found @ truth) / max(truth @ truth, 1e-12)
    return float(10 * np.log10(max(aimed @ aimed, 1e-12) / max((found - aimed) @ (found - aimed), 1e-12)))


def through_opus(sound: FloatArray, bits_per_s: int) -> tuple[FloatArray, float]:
    """``[n]`` at 24 kHz as libopus leaves it, and the bits per second that it really took, container left out.

    Raises:
        MioError: If there is no ffmpeg with libopus.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav, opus, back = (Path(folder) / name for name in ("in.wav", "out.opus", "back.wav"))
        soundfile.write(wav, sound, SPEECH_HZ)
        coding = ["-c:a", "libopus", "-b:a", str(bits_per_s), "-application", "voip"]
        _ffmpeg([*_inputs(wav), *coding, str(opus)])
        _ffmpeg([*_inputs(opus), "-ar", str(_OPUS_HZ), str(back)])
        wide, _ = soundfile.read(back, dtype="float32")
        packets = _packets_bytes(opus)
    made = np.asarray(soxr.resample(wide, _OPUS_HZ, SPEECH_HZ), np.float32)[: len(sound)]
    return np.pad(made, (0, len(sound) - len(made))), 8 * packets / (len(sound) / SPEECH_HZ)


def through_codec2(sound: FloatArray, mode: str) -> tuple[FloatArray, float]:
    """``[n]`` at 24 kHz as Codec 2, a vocoder for radio of 8 kHz, leaves it, and its bits per second.

    Args:
        sound: ``[n]``.
        mode: One of Codec 2's, such as 1200: its bits per second.

    Raises:
        MioError: If there is no ffmpeg with libcodec2.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav, coded, back = (Path(folder) / name for name in ("in.wav", "out.c2", "back.wav"))
        soundfile.write(wav, soxr.resample(sound, SPEECH_HZ, _CODEC2_HZ), _CODEC2_HZ)
        _ffmpeg([*_inputs(wav), "-c:a", "libcodec2", "-mode", mode, str(coded)])
        _ffmpeg([*_inputs(coded), str(back)])
        narrow, _ = soundfile.read(back, dtype="float32")
    made = np.asarray(soxr.resample(narrow[_CODEC2_LATE:], _CODEC2_HZ, SPEECH_HZ), np.float32)[: len(sound)]
    return np.pad(made, (0, len(sound) - len(made))), float(mode)


def _inputs(path: Path) -> list[str]:
    return ["-loglevel", "error", "-y", "-i", str(path)]


def _ffmpeg(options: list[str]) -> None:
    try:
        subprocess.run(["ffmpeg", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MioError(f"ffmpeg: {error}", "install ffmpeg with libopus and libcodec2") from error


def _packets_bytes(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux(audio=0))


class ClosedRecogniser:
    """PocketSphinx that knows some sentences only: it misses what was swallowed, but forgives small errors."""

    def __init__(self, sentences: Sequence[str], *, in_any_order: bool = False) -> None:
        """Get ready.

        Args:
            sentences: That it knows.
            in_any_order: Whether it knows their words only, not their order, which forgives much less.
        """
        from pocketsphinx import Decoder, get_model_path

        spoken = [words(sentence) for sentence in sentences]
        entries = _pronounced(Path(get_model_path()) / "en-us" / "cmudict-en-us.dict", {w for s in spoken for w in s})
        self._known = {entry.split()[0] for entry in entries}
        with tempfile.TemporaryDirectory() as folder:
            model, dictionary = Path(folder) / "closed.arpa", Path(folder) / "closed.dict"
            grammar = unigram_arpa(spoken) if in_any_order else write_arpa(spoken, lambda _: 0.0, (), 1.0)
            model.write_text(grammar, encoding="utf-8")
            dictionary.write_text("".join(entries), encoding="utf-8")
            self._decoder: Any = Decoder(samprate=MICROPHONE_HZ, lm=str(model), dict=str(dictionary), loglevel="FATAL")

    def knows(self, sentence: str) -> bool:
        """Whether all its words are in the dictionary."""
        return set(words(sentence)) <= self._known

    def hear(self, sound: FloatArray) -> str:
        """Words heard in ``[n]`` at 24 kHz, in a little silence, without which first words are missed."""
        narrow = np.pad(soxr.resample(sound, SPEECH_HZ, MICROPHONE_HZ), _SILENCE_SAMPLES)
        self._decoder.start_utt()
        self._decoder.process_raw((narrow.clip(-1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found is not None else ""


def unigram_arpa(sentences: Sequence[Sequence[str]]) -> str:
    """An ARPA file in which words are as likely as they are in some sentences, whatever comes before."""
    counts = Counter(word for sentence in sentences for word in sentence)
    total = sum(counts.values()) + len(sentences)
    lines = ["\\data\\", f"ngram 1={len(counts) + 2}", "", "\\1-grams:", "-99 <s>"]
    lines += [f"{math.log10(count / total):.4f} {word}" for word, count in counts.items()]
    return "\n".join([*lines, f"{math.log10(len(sentences) / total):.4f} </s>", "", "\\end\\", ""])


def _pronounced(dictionary: Path, wanted: set[str]) -> list[str]:
    """Lines of a pronouncing dictionary, other pronunciations such as ``read(2)`` included; all of it opens slowly."""
    lines = dictionary.read_text(encoding="utf-8").splitlines(keepends=True)
    return [line for line in lines if line.split(maxsplit=1)[0].partition("(")[0] in wanted]
