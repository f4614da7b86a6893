"""Configuration of the thinker."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mio.character import read_character
from mio.errors import MioError
from mio.paths import share

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=600.0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000)]


class OpenAIConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine ``openai``: any endpoint that streams chat completions like OpenAI's.

    Attributes:
        base_url: Where it is, such as ``http://localhost:11434/v1`` for Ollama.
        model: Name of the model there.
        api_key_env: Name of the environment variable that holds the key; a local server may need none.
        temperature: Of the sampling.
        max_tokens: Longest answer.
        history_turns: Turns of the dialogue that the model sees.
        facts: Entries of the pack that it sees, the nearest ones to the question.
        first_token_s: Time without any token after which the request is tried again, once.
        token_gap_s: Time between two tokens after which the answer ends there.
        thinking_after_s: Time after which the avatar looks thoughtful.
        filler_after_s: Time after which it says something to fill the time.
        down_s: Time for which the pack answers alone after the endpoint has failed.
        structured: Whether emotion and gesture are asked for as JSON by schema, where the endpoint can, or as marks in
            the text; marks let the first word come some fifteen tokens earlier.
        tools: Names of the pack's tool servers that the model may use; a pack alone starts none.
        tool_rounds: How many times in one answer it may use some.
        sees: Whether the user's picture goes to the model.
        picture_px: Longest side of that picture.
    """

    base_url: str = "http://localhost:8080/v1"
    model: str = "default"
    api_key_env: str = "OPENAI_API_KEY"
    temperature: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 0.7
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 200
    history_turns: Count = 8
    facts: Count = 6
    first_token_s: Seconds = 8.0
    token_gap_s: Seconds = 5.0
    thinking_after_s: Seconds = 0.7
    filler_after_s: Seconds = 1.5
    down_s: Seconds = 30.0
    structured: bool = True
    tools: tuple[str, ...] = ()
    tool_rounds: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    sees: bool = False
    picture_px: Annotated[int, msgspec.Meta(ge=64, le=2_048)] = 512


class ThinkerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The thinker.

    Attributes:
        engine: ``story`` answers out of the character pack; ``openai`` asks a language model, and the pack if it fails.
        character: Folder of the character pack.
        cache_dir: Where vectors of the pack's sentences are kept.
        memory_dir: Where memories are kept, a file for each character.
        person: Name by which the person who is talked to is remembered; empty if nobody is.
        seed: Of the choice among answers that fit equally.
        clear: Trust (0..1) from which what was understood is answered.
        unsure: Trust from which it is asked back.
        hearing: Confidence of the recogniser below which words that fit nothing are taken for misheard.
        openai: That engine.
    """

    engine: Literal["story", "openai"] = "story"
    character: Path = share("characters", "mara")
    cache_dir: Path = Path("~/.cache/mio")
    memory_dir: Path = Path("~/.local/share/mio/memory")
    person: str = ""
    seed: int = 0
    clear: Share = 0.3
    unsure: Share = 0.15
    hearing: Share = 0.5
    openai: OpenAIConfig = OpenAIConfig()

    def memory_file(self, character: str) -> Path:
        """The file of a character's memory."""
        return self.memory_dir.expanduser() / f"{character}.sqlite"

    def check(self) -> Iterable[MioError]:
        """What is missing to think: the pack, the encoder's weights."""
        from mio.sentences.encoder import packaged_model  # loads ONNX Runtime
        from nodes.thinker.persona import Persona

        try:
            character = read_character(self.character)
            character.section("persona", Persona)
            character.knowledge()
        except MioError as error:
            yield error
        try:
            packaged_model()
        except MioError as error:
            yield error
