"""Chooses the thinking engine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mio.character import Character, read_character
from mio.contracts.engine import Engine
from nodes.thinker.acquaintance import Acquaintance
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.construction.pack_story import read_story
from nodes.thinker.encoder import SentenceEncoder
from nodes.thinker.lore import Lore
from nodes.thinker.memory.people import People
from nodes.thinker.persona import Persona
from nodes.thinker.storyteller import Storyteller
from nodes.thinker.tool_servers import ToolServers
from nodes.thinker.turns import TurnTaker
from nodes.thinker.understanding import Thresholds, Understanding

if TYPE_CHECKING:
    from nodes.thinker.story_memory import StoryMemory
    from nodes.thinker.toolbox import Toolbox


def build_engine(config: ThinkerConfig) -> Engine:
    """Load the character and what the chosen engine needs.

    Raises:
        ConfigError: If the pack or the encoder cannot be used.
    """
    character = read_character(config.character)
    storyteller = build_storyteller(config, character)
    engine = _build_thinker(config, character, storyteller)
    engine.play(character.name)
    engine.meet(build_acquaintance(config, character))
    return engine


def build_acquaintance(config: ThinkerConfig, character: Character) -> Acquaintance:
    """What is known of the person who is talked to, and where it is kept."""
    if not config.person:
        return Acquaintance()
    topics = {key: topic.offer for key, topic in character.knowledge().topics.items()}
    return Acquaintance(People(config.memory_file(character.name)), config.person, topics)


def _build_thinker(config: ThinkerConfig, character: Character, storyteller: Storyteller) -> TurnTaker:
    persona = character.section("persona", Persona)
    match config.engine:
        case "story":
            from nodes.thinker.story import StoryEngine

            engine = StoryEngine(storyteller, language=persona.language, seed=config.seed)
        case "openai":
            from nodes.thinker.endpoint import Endpoint
            from nodes.thinker.language_model import LanguageModelEngine

            key = os.environ.get(config.openai.api_key_env, "")
            endpoint = Endpoint(config.openai, key, _build_toolbox(config, character))
            memory = _build_memory(config, character)
            engine = LanguageModelEngine(config.openai, endpoint, storyteller, persona, seed=config.seed, memory=memory)
    return engine


def _build_memory(config: ThinkerConfig, character: Character) -> "StoryMemory | None":
    """What a language model may know of the pack's story; None if it has none."""
    from nodes.thinker.construction.pack_story import read_story
    from nodes.thinker.story_memory import open_story_memory

    story = read_story(character.folder)
    return open_story_memory(story, cache_folder(config.cache_dir, character)) if story is not None else None


def _build_toolbox(config: ThinkerConfig, character: Character) -> "Toolbox | None":
    """The tools that the user lets the character use; None without any."""
    if not config.openai.tools:
        return None
    from nodes.thinker.toolbox import Toolbox

    servers = character.section("tools", ToolServers).permitted(config.openai.tools, character.folder)
    return Toolbox(servers, character.folder, os.environ)


def build_storyteller(config: ThinkerConfig, character: Character) -> Storyteller:
    """Load what understands questions to a character and answers them.

    Raises:
        ConfigError: If the pack or the encoder cannot be used.
    """
    knowledge = character.knowledge()
    thresholds = Thresholds(config.clear, config.unsure, config.hearing)
    language = character.section("persona", Persona).language
    cache = cache_folder(config.cache_dir, character)
    encoder = SentenceEncoder()
    understanding = Understanding(knowledge.entries, encoder, cache, language=language, thresholds=thresholds)
    story = read_story(character.folder)
    lore = Lore(story.graph, story.present, knowledge, encoder, cache) if story else None
    return Storyteller(knowledge, understanding, lore)


def cache_folder(cache_dir: Path, character: Character) -> Path:
    """Where a character's vectors are kept."""
    return cache_dir.expanduser() / "thinker" / character.name
