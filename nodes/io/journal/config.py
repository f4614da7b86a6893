"""Configuration of the journal."""

from pathlib import Path

import msgspec


class JournalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the journal writes.

    Attributes:
        events: File of JSON lines, one per event; none if left out.
        transcript: Markdown file with what each side said, as far as it was heard; none if left out.
        avatar: Name of the avatar in the transcript.
    """

    events: Path | None = None
    transcript: Path | None = None
    avatar: str = "Avatar"
