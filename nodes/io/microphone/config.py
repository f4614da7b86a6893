"""Configuration of the microphone."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from mio.errors import MioError
from nodes.io.devices import DeviceChoice, device_name, named_file


class MicrophoneConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the user's voice comes from.

    Attributes:
        device: ``default``; number or part of the name of a device (see ``mio devices``); path of a sound or video
            file, with or without ``file:`` before it, played once in real time; or ``null`` for silence.
        start_s: Silence before a file begins, seconds.
        gain_db: Amplification.
        latency_ms: Sound that the driver buffers. More survives a busy machine, less answers faster.
    """

    device: DeviceChoice = "default"
    start_s: Annotated[float, msgspec.Meta(ge=0.0, le=3_600.0)] = 0.0
    gain_db: Annotated[float, msgspec.Meta(ge=-60.0, le=60.0)] = 0.0
    latency_ms: Annotated[float, msgspec.Meta(gt=0.0, le=1_000.0)] = 40.0

    def check(self) -> Iterator[MioError]:
        """The device or file, if it is missing or unusable."""
        from mio.audio import AudioStream
        from mio.contracts.rates import MICROPHONE_HZ
        from nodes.io.portaudio import PortAudio

        device = device_name(self.device)
        path = named_file(device)
        try:
            if path is not None:
                AudioStream(path, MICROPHONE_HZ).close()
            elif device != "null":
                PortAudio().find(device, "input")
        except MioError as error:
            yield error
