"""Chooses the thinking engine."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mio.character import Character, read_character
from mio.contracts.engine import Engine
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.acquaintance import Acquaintance
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.construction.pack_story import Story, read_story
from nodes.thinker.lore import Lore
from nodes.thinker.memory.people import People
from nodes.thinker.memory.schema import MemoryFileError
from nodes.thinker.persona import Persona
from nodes.thinker.storyteller import Storyteller
from nodes.thinker.tool_servers import ToolServers
from nodes.thinker.turns import TurnTaker
from nodes.thinker.understanding import Thresholds, Understanding

if TYPE_CHECKING:
    from nodes.thinker.story_memory import StoryMemory
    from nodes.thinker.toolbox import Toolbox

_log = logging.getLogger(__name__)


class Material(NamedTuple):
    """What a thinker is made of, whatever its engine.

    Attributes:
        character: The pack.
        story: What the pack tells of its character's life; None if it has no story.
        encoder: Makes vectors of sentences.
    """

    character: Character
    story: Story | None
    encoder: SentenceEncoder


def gather(config: ThinkerConfig) -> Material:
    """Read the pack and the encoder.

    Raises:
        ConfigError: If one of them cannot be used.
    """
    character = read_character(config.character)
    return Material(character, read_story(character.folder), SentenceEncoder())


def build_engine(config: ThinkerConfig) -> Engine:
    """Load the character and what the chosen engine needs.

    Raises:
        ConfigError: If the pack or the encoder cannot be used.
    """
    material = gather(config)
    engine = build_thinker(config, material)
    engine.play(material.character.name)
    engine.meet(build_acquaintance(config, material.character))
    return engine


def build_acquaintance(config: ThinkerConfig, character: Character) -> Acquaintance:
    """What is known of the person who is talked to, and where it is kept."""
    if not config.person:
        return Acquaintance()
    topics = {key: topic.offer for key, topic in character.knowledge().topics.items()}
    return Acquaintance(People(config.memory_file(character.name)), config.person, topics)


def build_thinker(config: ThinkerConfig, material: Material) -> TurnTaker:
    """Make the engine that the configuration names, with nobody to talk to yet."""
    storyteller = build_storyteller(config, material)
    persona = material.character.section("persona", Persona)
    match config.engine:
        case "story":
            from nodes.thinker.story import StoryEngine

            engine = StoryEngine(storyteller, language=persona.language, seed=config.seed)
        case "openai":
            from nodes.thinker.endpoint import Endpoint
            from nodes.thinker.language_model import LanguageModelEngine

            key = os.environ.get(config.openai.api_key_env, "")
            endpoint = Endpoint(config.openai, key, _build_toolbox(config, material.character))
            memory = _build_memory(config, material)
            engine = LanguageModelEngine(config.openai, endpoint, storyteller, persona, seed=config.seed, memory=memory)
    return engine


def _build_memory(config: ThinkerConfig, material: Material) -> "StoryMemory | None":
    """What a language model may know of the pack's story; None if it has none, or the memory cannot be used."""
    from nodes.thinker.story_memory import open_story_memory

    if material.story is None:
        return None
    try:
        return open_story_memory(material.story, material.encoder, config.memory_file(material.character.name))
    except MemoryFileError as error:
        _log.error("the story is not recalled: %s", error)
        return None


def _build_toolbox(config: ThinkerConfig, character: Character) -> "Toolbox | None":
    """The tools that the user lets the character use; None without any."""
    if not config.openai.tools:
        return None
    from nodes.thinker.toolbox import Toolbox

    servers = character.section("tools", ToolServers).permitted(config.openai.tools, character.folder)
    return Toolbox(servers, character.folder, os.environ)


def build_storyteller(config: ThinkerConfig, material: Material) -> Storyteller:
    """Make what understands questions to a character and answers them."""
    character, story, encoder = material
    knowledge = character.knowledge()
    thresholds = Thresholds(config.clear, config.unsure, config.hearing)
    language = character.section("persona", Persona).language
    cache = cache_folder(config.cache_dir, character)
    understanding = Understanding(knowledge.entries, encoder, cache, language=language, thresholds=thresholds)
    lore = Lore(story.graph, story.present, knowledge, encoder, cache) if story else None
    return Storyteller(knowledge, understanding, lore)


def cache_folder(cache_dir: Path, character: Character) -> Path:
    """Where a character's vectors are kept."""
    return cache_dir.expanduser() / "thinker" / character.name
