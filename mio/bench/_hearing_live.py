"""A listener that hears sound as it would live: chunk by chunk, with the time that its computing takes.

Time is that of the sound; computing adds the CPU time that it takes, and chunks that come meanwhile wait. So latencies
are those of one core that has nothing else to do, whatever else the machine does.
"""

import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.messages import AudioChunk, Transcript
from mio.contracts.rates import MICROPHONE_CHUNK_SAMPLES, MICROPHONE_HZ
from mio.measure.sound import sound_bounds_s
from nodes.listener.engine import ListenerEngine

FloatArray = npt.NDArray[np.float32]

_EPOCH_NS = 1_000_000_000


class Hearing(NamedTuple):
    """What the listener made of one sound.

    Attributes:
        finals: Final transcripts.
        latency_s: End of the sound's last noise to the last final transcript; None without any.
        cpu_s: CPU time in all.
        silence_cpu_s: CPU time per second of silence before the sound.
        seconds: Length of the sound, silence before and after excluded.
    """

    finals: list[Transcript]
    latency_s: float | None
    cpu_s: float
    silence_cpu_s: float
    seconds: float

    @property
    def text(self) -> str:
        """All that was understood; a turn that was taken back counts as part of the one that went on from it."""
        kept = [
            final.text
            for final, following in zip(self.finals, [*self.finals[1:], None], strict=False)
            if following is None or not following.text.startswith(final.text)
        ]
        return " ".join(kept)


def hear(engine: ListenerEngine, before: FloatArray, sound: FloatArray, after: FloatArray) -> Hearing:
    """Let a listener in its initial state hear silence, a sound, and silence."""
    whole = np.concatenate((before, sound, after))
    finals: list[Transcript] = []
    free_s = spent_s = spent_before_s = said_s = 0.0
    for start in range(0, len(whole), MICROPHONE_CHUNK_SAMPLES):
        samples = whole[start : start + MICROPHONE_CHUNK_SAMPLES]
        chunk = AudioChunk(
            samples=samples, start_sample=start, origin_ns=_EPOCH_NS + round(start / MICROPHONE_HZ * 1e9)
        )
        began = time.process_time()
        begun_s = max(free_s, (start + len(samples)) / MICROPHONE_HZ)
        for output in engine.step("audio", chunk):
            if output and isinstance(output[1], Transcript) and output[1].final:
                finals.append(output[1])
                said_s = begun_s + time.process_time() - began
        took_s = time.process_time() - began
        free_s = begun_s + took_s
        spent_s += took_s
        if start < len(before):
            spent_before_s += took_s
    end_s = (len(before) / MICROPHONE_HZ) + sound_bounds_s(sound, MICROPHONE_HZ)[1]
    return Hearing(
        finals,
        said_s - end_s if finals else None,
        spent_s,
        spent_before_s / max(len(before) / MICROPHONE_HZ, 1e-9),
        len(sound) / MICROPHONE_HZ,
    )
