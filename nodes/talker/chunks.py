"""A clause's sound cut into chunks of whole frames, each with what is said in it."""

from collections.abc import Iterable, Iterator

import numpy as np

from mio.contracts.messages import Reply, Speech
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from nodes.talker.clause import FloatArray, Piece, SpokenPhone, SpokenWord


class ClauseChunks:
    """Cuts one clause: a small chunk first, so that it is heard soon, then larger ones; silence fills the last."""

    def __init__(self, reply: Reply, start_sample: int, first_frames: int, most_frames: int) -> None:
        """Prepare to cut.

        Args:
            reply: The clause.
            start_sample: Its first sample in the turn.
            first_frames: Frames in the first chunk.
            most_frames: Frames in the largest.
        """
        self._reply = reply
        self._start = start_sample
        self._frames = min(first_frames, most_frames)
        self._most = most_frames
        self._sound: FloatArray = np.zeros(0, np.float32)
        self._sent = 0
        self._phones: list[SpokenPhone] = []
        self._words: list[SpokenWord] = []
        self._knots: list[tuple[float, int]] = [(0.0, 0)]
        self._last_char = 0

    def of(self, pieces: Iterable[Piece | None]) -> Iterator[Speech | None]:
        """Chunks as soon as there is sound for them; None for pieces that complete none, and is handed through."""
        for piece in pieces:
            if piece is not None:
                self._take(piece)
            if len(self._sound) < self._frames * SPEECH_FRAME_SAMPLES:
                yield None
            while len(self._sound) >= self._frames * SPEECH_FRAME_SAMPLES:
                yield self._chunk(self._frames * SPEECH_FRAME_SAMPLES)
                self._frames = min(2 * self._frames, self._most)
        rest = len(self._sound)
        if rest or self._reply.fin:
            self._sound = np.concatenate([self._sound, np.zeros(-rest % SPEECH_FRAME_SAMPLES, np.float32)])
            yield self._chunk(len(self._sound), last=True)

    def _take(self, piece: Piece) -> None:
        self._sound = np.concatenate([self._sound, piece.samples])
        self._phones.extend(piece.phones)
        self._words.extend(piece.words)
        for word in piece.words:
            self._knots.append((word.start_s, word.first_char))
            self._knots.append((word.end_s, word.first_char + len(word.text)))

    def _chunk(self, count: int, *, last: bool = False) -> Speech:
        reply, base_s = self._reply, self._start / SPEECH_HZ
        samples, self._sound = self._sound[:count], self._sound[count:]
        start_sample, self._sent = self._start + self._sent, self._sent + count
        first_char, self._last_char = self._last_char, len(reply.text) if last else self._char_at(self._sent)
        phones, self._phones = self._phones, []
        words, self._words = self._words, []
        return Speech(
            session=reply.session,
            segment_id=reply.segment_id,
            origin_ns=reply.origin_ns,
            fin=last and reply.fin,
            samples=samples,
            start_sample=start_sample,
            index=reply.index,
            first_char=reply.first_char + first_char,
            last_char=reply.first_char + self._last_char,
            emotion=reply.emotion,
            intensity=reply.intensity,
            phones=[phone.symbol for phone in phones],
            phone_start_s=[base_s + phone.start_s for phone in phones],
            phone_stress=[phone.stress for phone in phones],
            words=[word.text for word in words],
            word_start_s=[base_s + word.start_s for word in words],
            word_end_s=[base_s + word.end_s for word in words],
            word_char=[reply.first_char + word.first_char for word in words],
            language=reply.language,
        )

    def _char_at(self, sample: int) -> int:
        """Characters of the clause that have been said at a sample, proportional within words."""
        times = [time for time, _ in self._knots]
        chars = [char for _, char in self._knots]
        return max(self._last_char, int(np.interp(sample / SPEECH_HZ, times, chars)))
