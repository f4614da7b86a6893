"""Words of others on their way into a prompt: what a person said, what a tool returned, what is remembered of either.

They are talk, never instructions. Here they lose what could make them look like something else: the control tokens of
chat templates, which some servers read in any text, and invisible characters. What the character must not know is not
kept from the model by this, but by never being in a prompt at all.
"""

import re
import unicodedata

_CONTROL_TOKENS = re.compile(
    r"<\|[^<>|\n]{0,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|</?(?:system|tool_call|tool_response)>"
    r"|<[｜|][^<>\n]{0,40}[｜|]>",
    re.IGNORECASE,
)
_HEADERS = re.compile(r"(?im)^\s*#{2,}\s*(system|instruction|assistant|response|user|human)\s*:?\s*$")
_ROLES = re.compile(r"(?im)^(\s*)(system|assistant|user|human|tool|developer)\s*:")


def as_talk(text: str, longest_chars: int = 20_000) -> str:
    """The words alone, without what a chat template or a model could take for a message of its own.

    Args:
        text: Words of somebody else.
        longest_chars: What is longer loses its end.
    """
    visible = "".join(
        char for char in unicodedata.normalize("NFC", text) if char in "\n\t" or unicodedata.category(char)[0] != "C"
    )
    before = None
    while before != visible:  # a token may be hidden inside another one
        before, visible = visible, _CONTROL_TOKENS.sub(" ", visible)
    return _ROLES.sub(r"\1\2 -", _HEADERS.sub("", visible))[:longest_chars].strip()
