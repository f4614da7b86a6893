"""Configuration of the speaker."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from mio.errors import MioError
from nodes.io.devices import DeviceChoice, device_name


class SpeakerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the avatar's voice goes.

    Attributes:
        device: ``default``; number or part of the name of a device (see ``mio devices``); or ``null`` for a virtual
            one that takes samples in real time and lets nobody hear them.
        volume_db: Amplification.
        lead_ms: From a turn's first sound to its playing, so that the face has frames for it by then.
        ahead_ms: Sound that is prepared ahead of the device; it can still be changed, so interruptions are not late.
        latency_ms: Sound that the driver buffers. More survives a busy machine, less stops faster.
        duck_db: Loudness of a ducked voice.
    """

    device: DeviceChoice = "default"
    volume_db: Annotated[float, msgspec.Meta(ge=-60.0, le=20.0)] = 0.0
    lead_ms: Annotated[float, msgspec.Meta(ge=0.0, le=2_000.0)] = 190.0
    ahead_ms: Annotated[float, msgspec.Meta(ge=50.0, le=1_000.0)] = 200.0
    latency_ms: Annotated[float, msgspec.Meta(gt=0.0, le=1_000.0)] = 40.0
    duck_db: Annotated[float, msgspec.Meta(ge=-60.0, le=-20.0)] = -24.0

    def check(self) -> Iterator[MioError]:
        """The device, if it is missing."""
        from nodes.io.portaudio import PortAudio

        try:
            if device_name(self.device) != "null":
                PortAudio().find(device_name(self.device), "output")
        except MioError as error:
            yield error
