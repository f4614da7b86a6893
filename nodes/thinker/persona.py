"""Who the character is: the section ``persona`` of ``character.yml``."""

import msgspec


class Persona(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A character in words, for language models and for whoever writes its knowledge.

    Attributes:
        name: Full name.
        language: That it speaks, BCP 47.
        about: Who it is, in a few sentences.
        manner: How it speaks, one habit each.
        rules: What it does and does not do, one rule each.
    """

    name: str
    language: str = "en"
    about: str = ""
    manner: list[str] = []
    rules: list[str] = []
