"""What both sides said, as far as it was heard, from the messages that pass the screen."""

from dataclasses import dataclass
from typing import NamedTuple

from mio.contracts.messages import Clock, Reply, Transcript

_LONGEST_TEXT = 20_000


class Line(NamedTuple):
    """One side's words in one turn.

    Attributes:
        who: ``user`` or ``avatar``.
        text: The words that were understood, or that were heard.
        segment_id: The turn.
        source: ``speech`` or ``text``.
        interrupted: Whether there was more to say.
        stage_s: Stage time at which it was complete.
    """

    who: str
    text: str
    segment_id: int
    source: str = "speech"
    interrupted: bool = False
    stage_s: float = 0.0


@dataclass
class Conversation:
    """The last words of both sides.

    Attributes:
        user_text: What was understood last.
        user_final: Whether it will not change any more.
        reply_text: The turn's reply so far.
        reply_id: Its turn.
        heard: Characters of it that have been heard.
        told: The newest turn whose reply has ended.
    """

    user_text: str = ""
    user_final: bool = True
    reply_text: str = ""
    reply_id: int = 0
    heard: int = 0
    told: int = 0

    def understood(self, transcript: Transcript, stage_s: float) -> Line | None:
        """Take in what the user said; returns the line when it is final."""
        self.user_text = transcript.text.strip()[:_LONGEST_TEXT]
        self.user_final = transcript.final
        if not transcript.final or not self.user_text:
            return None
        return Line("user", self.user_text, transcript.segment_id, transcript.source, stage_s=stage_s)

    def replied(self, reply: Reply) -> None:
        """Take in a clause of the reply."""
        if reply.segment_id < self.reply_id or reply.segment_id <= self.told:
            return
        if reply.segment_id > self.reply_id:
            self.reply_id, self.reply_text, self.heard = reply.segment_id, "", 0
        if reply.text and 0 <= reply.first_char < _LONGEST_TEXT:
            self.reply_text = self.reply_text[: reply.first_char].ljust(reply.first_char) + reply.text

    def heard_until(self, clock: Clock) -> Line | None:
        """Take in what has been heard; returns the avatar's line when its turn has ended."""
        if clock.segment_id == 0 or clock.segment_id != self.reply_id:
            return None
        self.heard = min(max(self.heard, clock.heard_char), len(self.reply_text))
        if not clock.fin or clock.segment_id <= self.told:
            return None
        self.told = clock.segment_id
        text = self.reply_text[: clock.heard_char].strip()
        rest = self.reply_text[clock.heard_char :].strip()
        if not text:
            return None
        return Line("avatar", text, clock.segment_id, interrupted=bool(rest), stage_s=clock.stage_s)
