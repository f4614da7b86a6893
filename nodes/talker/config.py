"""Configuration of the talker."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mio.character import read_character
from mio.errors import ConfigError, MioError
from mio.paths import share

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=99)]
Frames = Annotated[int, msgspec.Meta(ge=1, le=50)]


class VoiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a character sounds: the section ``voice`` of its ``character.yml``.

    Attributes:
        languages: espeak-ng voice by language in BCP 47; the first one speaks where a language has no voice.
        variant: espeak-ng variant: an own one of ``nodes/talker/voices``, a file in the character pack, or one of
            espeak-ng's, such as ``f2``; empty for the plain, male voice.
        rate_wpm: Words per minute, nominal; short sentences without pauses come out about a third faster.
        pitch: 0 to 99; 50 is the variant's own, each step 0.24 semitones.
        pitch_range: 0 (monotone) to 99; 50 is the variant's own.
        expressiveness: How far emotions change the delivery; 0 not at all, 1 as designed.
        loudness_db: RMS of the sounding parts of neutral speech, dB below full scale.
        warmth: How far the long-term spectrum is brought to that of an average voice; 0 not at all, 1 all the way.
        room_db: Level of the room's reverberation against the direct sound; -60 or less for none.
        pauses: Factor on the pauses at punctuation.
        speakers: Speaker of the engine ``kodama`` by language; others are spoken by espeak-ng.
    """

    languages: dict[str, str] = msgspec.field(default_factory=lambda: {"en": "en-us", "de": "de"})
    variant: str = "mara"
    rate_wpm: Annotated[int, msgspec.Meta(ge=80, le=450)] = 150
    pitch: Percent = 50
    pitch_range: Percent = 50
    expressiveness: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 1.0
    loudness_db: Annotated[float, msgspec.Meta(ge=-40.0, le=-10.0)] = -20.0
    warmth: Share = 0.6
    room_db: float = -24.0
    pauses: Annotated[float, msgspec.Meta(ge=0.0, le=3.0)] = 1.0
    speakers: dict[str, str] = msgspec.field(default_factory=lambda: {"en": "kathleen", "de": "kerstin"})


class OpenAIConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine ``openai``: any endpoint that speaks like OpenAI's ``/audio/speech``, in 16-bit samples at 24 kHz.

    Attributes:
        base_url: Where it is, such as ``http://localhost:8880/v1`` for Kokoro-FastAPI.
        model: Name of the model there.
        voice: Name of the voice there.
        api_key_env: Name of the environment variable that holds the key; a local server may need none.
        instructions: How to speak, for models that can be told; ``{emotion}`` stands for the emotion. Empty for none.
        gain_db: On the sound; it is not measured.
        first_sound_s: Time without any sound after which another voice speaks.
        sound_gap_s: Time without more sound after which a sentence ends there.
    """

    base_url: str = "http://localhost:8880/v1"
    model: str = "kokoro"
    voice: str = "af_heart"
    api_key_env: str = "OPENAI_API_KEY"
    instructions: str = ""
    gain_db: float = 0.0
    first_sound_s: Annotated[float, msgspec.Meta(gt=0.0)] = 3.0
    sound_gap_s: Annotated[float, msgspec.Meta(gt=0.0)] = 2.0


class TalkerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration of the talker.

    Attributes:
        engine: Speech engine: ``espeak`` needs no weights; ``kodama`` is a network, ``openai`` an endpoint, both with
            espeak-ng, if it is installed, for the rest. ``auto`` is ``kodama`` where its packages and weights are,
            and ``espeak`` elsewhere.
        phones: What spells words out for ``kodama``: espeak-ng (``espeak``), word lists (``lexicon``), or ``auto``:
            espeak-ng if it is installed.
        character: Folder of the character pack, whose section ``voice`` says how it sounds.
        voice: Keys of that section to set otherwise, such as ``{rate_wpm: 140}``.
        first_frames: Frames of 80 ms in the first chunk of a clause.
        chunk_frames: Frames in its later chunks, reached by doubling.
        codec: Folder with the codec of ``kodama``.
        language_model: Folder with its language model.
        clone: Folder of a voice that ``mio voice clone`` made, which ``kodama`` speaks its language with.
        openai: That engine.
    """

    engine: Literal["auto", "espeak", "kodama", "openai"] = "auto"
    phones: Literal["auto", "espeak", "lexicon"] = "auto"
    character: Path = share("characters", "mara")
    voice: dict[str, Any] = {}
    first_frames: Frames = 2
    chunk_frames: Frames = 8
    codec: Path = share("weights", "voice-codec")
    language_model: Path = share("weights", "voice-tts")
    clone: Path | None = None
    openai: OpenAIConfig = OpenAIConfig()

    def voice_settings(self) -> VoiceSettings:
        """The character's voice with this configuration's changes.

        Raises:
            ConfigError: If the pack or a key is wrong.
        """
        of_pack = read_character(self.character).section("voice", VoiceSettings)
        try:
            return msgspec.convert({**msgspec.to_builtins(of_pack), **self.voice}, VoiceSettings, strict=False)
        except msgspec.ValidationError as error:
            known = ", ".join(VoiceSettings.__struct_fields__)
            raise ConfigError(f"talker.voice: {error}", f"known keys: {known}") from error

    def check(self) -> Iterable[MioError]:
        """What is missing to speak: espeak-ng, the voices and the variant that are named, and the engine's weights."""
        from nodes.talker.engine import build_engine  # loads the engine

        try:
            build_engine(self)
        except MioError as error:
            yield error
