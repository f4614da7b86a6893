"""What both sides said, as far as it was heard, from the messages that pass the screen."""

from dataclasses import dataclass

from mio.contracts.messages import Clock, Reply, Transcript

_LONGEST_TEXT = 20_000


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

    def understood(self, transcript: Transcript) -> None:
        """Take in what the user said."""
        self.user_text = transcript.text.strip()[:_LONGEST_TEXT]
        self.user_final = transcript.final

    def replied(self, reply: Reply) -> None:
        """Take in a clause of the reply."""
        if reply.segment_id < self.reply_id or reply.segment_id <= self.told:
            return
        if reply.segment_id > self.reply_id:
            self.reply_id, self.reply_text, self.heard = reply.segment_id, "", 0
        if reply.text and 0 <= reply.first_char < _LONGEST_TEXT:
            self.reply_text = self.reply_text[: reply.first_char].ljust(reply.first_char) + reply.text

    def heard_until(self, clock: Clock) -> None:
        """Take in what has been heard."""
        if clock.segment_id == 0 or clock.segment_id != self.reply_id:
            return
        self.heard = min(max(self.heard, clock.heard_char), len(self.reply_text))
        if clock.fin:
            self.told = max(self.told, clock.segment_id)
