"""Character packs: a folder that says who the avatar is, shared by listener, thinker, talker and renderer.

``character.yml`` has one section per reader (``persona``, ``voice``, ``look``), each parsed by its reader's own struct.
``knowledge.yml`` and the files of the folder ``knowledge/``, read as one, have what the character can be asked and what
it answers. ``demo.yml`` has questions in words that the knowledge does not contain, to show it off.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from mio.config import ConfigFile, build_config, read_config_file
from mio.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)

EntryKind = Literal["fact", "smalltalk", "repeat", "more", "why", "yes", "no", "off_topic", "noise"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that can be said to the character, and what it answers.

    Attributes:
        id: Unique name.
        questions: Ways to say it, as people speak.
        answers: Ways to answer, each a text with optional ``[emotion]`` and ``<gesture>`` marks before its clauses.
            For ``repeat``, what is said before the last answer is given once more.
        topic: Key of ``topics``, for follow-ups; empty if it has none.
        kind: A ``fact`` about the character and its world; ``smalltalk`` such as a greeting; or a move in the
            dialogue whose answer depends on what was said before: ``repeat`` ("what did you say?"), ``more`` ("tell me
            more"), ``why`` ("and why?"), ``yes`` and ``no``; or ``off_topic``: typical things that it knows nothing of;
            or ``noise``: what a recogniser makes of sound that is no speech.
        more: What is added when the user wants to hear more about it.
        why: What is said when the user asks why.
        otherwise: For a move in the dialogue, what is said when nothing was said before that it could refer to.
        invites: Entry that the user hears upon "yes", for answers that end in an offer.
    """

    id: str
    questions: list[str]
    answers: list[str]
    topic: str = ""
    kind: EntryKind = "fact"
    more: list[str] = []
    why: list[str] = []
    otherwise: list[str] = []
    invites: str = ""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Everything the character may say here, each with its key in the file, such as ``answers.0``."""
        for name in ("answers", "more", "why", "otherwise"):
            for number, text in enumerate(getattr(self, name)):
                yield f"{name}.{number}", text


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What entries are about.

    Attributes:
        name: How the user would name it in a question, such as ``your sister Nora``.
        offer: How the character names it when it offers to talk about it, such as ``my sister Nora``.
        pronouns: Words that can stand for it in a follow-up question.
    """

    name: str
    offer: str
    pronouns: list[str] = []


class Knowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that the character can be asked. In every text, ``{offer}`` stands for a topic it can talk about.

    Attributes:
        entries: What can be said to it, with its answers.
        topics: What the entries are about, by key.
        not_understood: Said when the words made no sense.
        off_topic: Said when they did, but it knows nothing of it.
        ahead: Said when it cannot know yet, or was kept from knowing, what its story has about it.
        unsure: Asked back when an entry is likely, but not certain; "yes" then answers it.
        fillers: Said when an answer takes long.
    """

    entries: list[Entry] = []
    topics: dict[str, Topic] = {}
    not_understood: list[str] = []
    off_topic: list[str] = []
    ahead: list[str] = []
    unsure: list[str] = []
    fillers: list[str] = []


class DemoQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question to show the character off: the entry that answers it, and what is asked."""

    entry: str
    question: str


class _Demo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    questions: list[DemoQuestion]


class KnowledgeFile(NamedTuple):
    """One of the files that a pack's knowledge is read from."""

    path: Path
    knowledge: Knowledge


class Character:
    """A character pack that has been read."""

    def __init__(self, folder: Path, file: ConfigFile) -> None:
        self.folder = folder
        self._file = file

    @property
    def name(self) -> str:
        """Name of the pack's folder."""
        return self.folder.name

    def section(self, name: str, struct: type[T]) -> T:
        """Parse one section of ``character.yml``.

        Raises:
            ConfigError: With file, line and remedy.
        """
        return build_config(self._file, name, struct, {})

    def knowledge_files(self) -> list[KnowledgeFile]:
        """Parse ``knowledge.yml`` and the files of ``knowledge/``, in the order of their names.

        Raises:
            ConfigError: With file, line and remedy.
        """
        paths = [self.folder / "knowledge.yml", *sorted((self.folder / "knowledge").glob("*.yml"))]
        return [KnowledgeFile(path, read_pack_file(path, Knowledge)) for path in paths]

    def knowledge(self) -> Knowledge:
        """All knowledge of the pack as one.

        Raises:
            ConfigError: With file, line and remedy.
        """
        files = self.knowledge_files()
        _check_entries(files)
        parts = [file.knowledge for file in files]
        return Knowledge(
            entries=[entry for part in parts for entry in part.entries],
            topics={key: topic for part in parts for key, topic in part.topics.items()},
            not_understood=[text for part in parts for text in part.not_understood],
            off_topic=[text for part in parts for text in part.off_topic],
            ahead=[text for part in parts for text in part.ahead],
            unsure=[text for part in parts for text in part.unsure],
            fillers=[text for part in parts for text in part.fillers],
        )

    def demo_questions(self) -> list[DemoQuestion]:
        """Parse ``demo.yml``; a pack without one has no questions.

        Raises:
            ConfigError: With file, line and remedy.
        """
        path = self.folder / "demo.yml"
        return read_pack_file(path, _Demo).questions if path.is_file() else []


def read_character(folder: Path) -> Character:
    """Open a character pack.

    Raises:
        ConfigError: If there is none, naming those that exist beside it.
    """
    if not (folder / "character.yml").is_file():
        beside = sorted(p.parent.name for p in folder.parent.glob("*/character.yml"))
        raise ConfigError(
            f"no character pack at {folder}: character.yml is missing",
            f"packs there: {', '.join(beside)}" if beside else "set 'character:' to a pack's folder",
        )
    return Character(folder, read_config_file(folder / "character.yml"))


def read_pack_file(path: Path, struct: type[T]) -> T:
    """Parse a YAML file at once; only a faulty one is read again slowly, to say on which line.

    Raises:
        ConfigError: With file, line and remedy.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=struct, strict=False)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        file = read_config_file(path)
        sections: dict[str, Any] = {path.stem: file.sections}
        lines = {f"{path.stem}.{key}": line for key, line in file.lines.items()}
        build_config(ConfigFile(file.path, sections, lines), path.stem, struct, {})
        raise ConfigError(f"{path}: {error}", "see nodes/thinker/README.md for the format") from error


def _check_entries(files: list[KnowledgeFile]) -> None:
    seen: dict[str, Path] = {}
    for path, knowledge in files:
        for number, entry in enumerate(knowledge.entries):
            if entry.id in seen:
                problem = f"entry '{entry.id}' is also in {seen[entry.id].name}"
                raise _fault(path, number, problem, "give one of them another id")
            if not entry.questions:
                raise _fault(path, number, f"entry '{entry.id}' has no question", "add one under 'questions:'")
            if not entry.answers and not entry.otherwise and entry.kind not in ("off_topic", "noise"):
                raise _fault(path, number, f"entry '{entry.id}' has no answer", "add one under 'answers:'")
            seen[entry.id] = path


def _fault(path: Path, number: int, problem: str, remedy: str) -> ConfigError:
    return ConfigError(f"{read_config_file(path).where(f'entries.{number}')}: {problem}", remedy)
