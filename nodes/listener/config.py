"""Configuration of the listener."""

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mio.character import read_character
from mio.errors import MioError
from mio.paths import share

Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0.0, le=60_000.0)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=3_600.0)]
Count = Annotated[int, msgspec.Meta(ge=1, le=32)]


class VoiceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When sound counts as the user's voice.

    Attributes:
        start_probability: Silero's probability from which a silent user may have begun to speak (Silero's own default).
        stay_probability: Probability below which a speaking user has paused (Silero: 0.15 below the start).
        min_speech_ms: Voiced sound that makes a voice; clicks and most coughs are shorter.
        burst_gap_ms: Silence after which a shorter sound is forgotten.
        preroll_ms: Sound before the onset that is recognised with it, since soft first consonants go unnoticed.
    """

    start_probability: Probability = 0.5
    stay_probability: Probability = 0.35
    min_speech_ms: Milliseconds = 192.0
    burst_gap_ms: Milliseconds = 96.0
    preroll_ms: Milliseconds = 300.0


class TurnConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the user's turn ends.

    Attributes:
        early_ms: Silence after which the words are recognised already, in case the turn ends here.
        pause_ms: Silence that counts as a pause; from here on the end of the turn is judged.
        complete_probability: Probability of completeness from which a turn ends after ``complete_wait_ms``.
        complete_wait_ms: Silence that ends a turn which is complete.
        statement_wait_ms: The same for one that asks nothing, since people often tell something before they ask.
        doubtful_wait_ms: Silence that ends a turn with one chance in ten of being complete.
        incomplete_wait_ms: Silence that ends a turn in the middle of a sentence.
        reopen_ms: If the user goes on within this time after the end, before an answer is heard, the turn was not over:
            it is given up and the next one begins with its words.
        thinking_timeout_s: Time without any answer after which nobody is waited for.
    """

    early_ms: Milliseconds = 64.0
    pause_ms: Milliseconds = 128.0
    complete_probability: Annotated[float, msgspec.Meta(ge=0.2, le=1.0)] = 0.5
    complete_wait_ms: Milliseconds = 256.0
    statement_wait_ms: Milliseconds = 480.0
    doubtful_wait_ms: Milliseconds = 600.0
    incomplete_wait_ms: Milliseconds = 1200.0
    reopen_ms: Milliseconds = 800.0
    thinking_timeout_s: Seconds = 30.0


class BargeInConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the user's voice does while the avatar speaks.

    Attributes:
        mode: ``duck``: it lowers the avatar's voice at once, and what is said decides whether the avatar stops or goes
            on; ``commit``: it ends the avatar's turn after ``commit_ms``, whatever is said; ``off``: nothing (for
            loudspeakers without echo cancellation).
        duck_ms: Voiced sound that lowers the avatar's voice.
        commit_ms: Voiced sound that ends its turn in the mode ``commit``.
        look_ms: Voiced sound after which the words are recognised for the first time.
        look_every_ms: Voiced sound between two more looks at them.
        pause_ms: Silence after which a voice that has said nothing of weight is over, and the avatar goes on.
        unclear_ms: Voiced sound that ends the avatar's turn even if no words are recognised in it.
        min_confidence: Confidence from which recognised words count.
    """

    mode: Literal["off", "commit", "duck"] = "duck"
    duck_ms: Milliseconds = 32.0
    commit_ms: Milliseconds = 400.0
    look_ms: Milliseconds = 192.0
    look_every_ms: Milliseconds = 64.0
    pause_ms: Milliseconds = 256.0
    unclear_ms: Milliseconds = 2_400.0
    min_confidence: Probability = 0.4


class MoonshineConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine ``moonshine``.

    Attributes:
        folder: Folder with ``encoder_model.ort``, ``decoder_model_merged.ort`` and ``tokenizer.bin``; the model that
            the package moonshine-voice carries if left out.
        beams: Hypotheses that are followed.
        beam_seconds: Sections longer than this, divided by their length, get fewer hypotheses, so that long
            questions do not answer late.
        partial_every_s: How often the words are recognised while the user still speaks; 0 for never.
        bias: Weight of the character's vocabulary; 0 for none.
    """

    folder: Path | None = None
    beams: Count = 5
    beam_seconds: Seconds = 25.0
    partial_every_s: Annotated[float, msgspec.Meta(ge=0.0)] = 1.2
    bias: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.5


class PocketSphinxConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine ``pocketsphinx``.

    Attributes:
        domain_weight: Share of the language model that comes from the character's questions; 0 for none.
        partial_every_s: How often sound is decoded while the user still speaks.
    """

    domain_weight: Probability = 0.8
    partial_every_s: Annotated[float, msgspec.Meta(ge=0.0)] = 0.16


class WhisperConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine ``whisper``: faster-whisper with weights that the user has.

    Attributes:
        model: Folder of a CTranslate2 Whisper model, such as a downloaded ``faster-whisper-small``.
        language: BCP 47; detected if left out.
        device: ``cpu``, ``cuda`` or ``auto``.
        compute_type: CTranslate2's number format.
        beams: Hypotheses that are followed.
    """

    model: Path | None = None
    language: str | None = "en"
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    compute_type: str = "int8"
    beams: Count = 2


class ListenerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The listener.

    Attributes:
        engine: Speech to text: ``moonshine``, ``pocketsphinx`` or ``whisper``.
        character: Folder of the character pack, whose questions the recogniser expects; null for none.
        cache_dir: Where prepared language models are kept.
        alternatives: Readings beside the best one that a transcript carries.
        min_confidence: Confidence below which what was heard was no speech.
        longest_typed: Characters of a typed line that are taken.
        voice: When sound is voice.
        turn: When turns end.
        barge_in: What the user's voice does while the avatar speaks.
        moonshine: That engine.
        pocketsphinx: That engine.
        whisper: That engine.
    """

    engine: Literal["moonshine", "pocketsphinx", "whisper"] = "moonshine"
    character: Path | None = share("characters", "mara")
    cache_dir: Path = Path("~/.cache/mio")
    alternatives: Annotated[int, msgspec.Meta(ge=0, le=32)] = 5
    min_confidence: Probability = 0.2
    longest_typed: Annotated[int, msgspec.Meta(ge=1)] = 2_000
    voice: VoiceConfig = VoiceConfig()
    turn: TurnConfig = TurnConfig()
    barge_in: BargeInConfig = BargeInConfig()
    moonshine: MoonshineConfig = MoonshineConfig()
    pocketsphinx: PocketSphinxConfig = PocketSphinxConfig()
    whisper: WhisperConfig = WhisperConfig()

    def check(self) -> Iterable[MioError]:
        """What is missing to hear: models of voice and end of turn, the recogniser's weights, the character pack."""
        from nodes.listener.endpoint import end_of_turn_file  # loads ONNX Runtime
        from nodes.listener.voice import silero_file

        character = self.character
        needed: list[Callable[[], Any]] = [silero_file, end_of_turn_file, self._recognizer]
        if character is not None:
            needed.append(lambda: read_character(character).knowledge())
        for find in needed:
            try:
                find()
            except MioError as error:
                yield error

    def _recognizer(self) -> None:
        """Find what the chosen recogniser needs, without loading it."""
        match self.engine:
            case "moonshine":
                from nodes.listener.moonshine import model_folder

                model_folder(self.moonshine)
            case "pocketsphinx":
                if importlib.util.find_spec("pocketsphinx") is None:
                    raise MioError("the engine 'pocketsphinx' needs its package", "pip install 'mio[listener]'")
            case "whisper":
                from nodes.listener.whisper import model_folder as whisper_folder

                whisper_folder(self.whisper)
