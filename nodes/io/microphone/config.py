"""Configuration of the microphone."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mio.errors import MioError
from mio.measure.room import RoomSettings
from nodes.io.devices import DeviceChoice, device_name, named_file


class EchoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Taking the avatar's voice out of the microphone's sound.

    Attributes:
        engine: ``webrtc``; ``off``; or ``auto``: ``webrtc`` for a sound card and in a simulated room, off for a file.
        linear: Whether an adaptive filter takes out most of the echo first, which spares a user who speaks over it.
        noise_suppression: Whether steady noise is taken out too.
        high_pass: Whether rumble is taken out too.
        auto_gain: Whether the loudness of the voice is evened out.
    """

    engine: Literal["auto", "webrtc", "off"] = "auto"
    linear: bool = True
    noise_suppression: bool = False
    high_pass: bool = False
    auto_gain: bool = False


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that a simulated user says.

    Attributes:
        sound: A sound file.
        when: ``quiet``: when nobody has spoken for ``after_s``; ``answer``: when so much of the avatar's next turn has
            been heard. The line is left out if that turn ends before, or does not come within 20 s.
        after_s: Seconds.
    """

    sound: Path
    when: Literal["quiet", "answer"] = "quiet"
    after_s: Annotated[float, msgspec.Meta(ge=0.0, le=3_600.0)] = 1.0


class SimulatedRoom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A room in which the avatar's loudspeaker is heard and users say their lines in turn.

    Attributes:
        acoustics: Echo and noise.
        lines: What is said, one after the other, on top of the file.
        log: JSON lines file that says when each line began, if given.
    """

    acoustics: RoomSettings = RoomSettings()
    lines: list[Line] = []
    log: Path | None = None


class MicrophoneConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the user's voice comes from.

    Attributes:
        device: ``default``; number or part of the name of a device (see ``mio devices``); path of a sound or video
            file, with or without ``file:`` before it, played once in real time; or ``null`` for silence.
        start_s: Silence before a file begins, seconds.
        gain_db: Amplification.
        latency_ms: Sound that the driver buffers. More survives a busy machine, less answers faster.
        echo: Taking the avatar's voice out of the sound.
        room: A simulated room around the file, for tests: the loudspeaker is heard in it, and users say their lines.
    """

    device: DeviceChoice = "default"
    start_s: Annotated[float, msgspec.Meta(ge=0.0, le=3_600.0)] = 0.0
    gain_db: Annotated[float, msgspec.Meta(ge=-60.0, le=60.0)] = 0.0
    latency_ms: Annotated[float, msgspec.Meta(gt=0.0, le=1_000.0)] = 40.0
    echo: EchoConfig = EchoConfig()
    room: SimulatedRoom | None = None

    @property
    def cancels_echo(self) -> bool:
        """Whether there may be an echo that is to be taken out."""
        file_or_none = device_name(self.device) == "null" or named_file(device_name(self.device)) is not None
        return self.echo.engine == "webrtc" or (
            self.echo.engine == "auto" and (self.room is not None or not file_or_none)
        )

    def check(self) -> Iterator[MioError]:
        """The device or file, if it is missing or unusable."""
        device = device_name(self.device)
        path = named_file(device)
        lines = self.room.lines if self.room is not None else []
        needed: list[Callable[[], Any]] = [partial(_try_file, line.sound) for line in lines]
        if path is not None:
            needed.append(partial(_try_file, path))
        elif device != "null":
            needed.append(partial(_try_card, device))
        if self.cancels_echo:
            needed.append(_try_webrtc)
        for find in needed:
            try:
                find()
            except MioError as error:
                yield error


def _try_file(path: Path) -> None:
    from mio.audio import AudioStream
    from mio.contracts.rates import MICROPHONE_HZ

    AudioStream(path, MICROPHONE_HZ).close()


def _try_card(device: str) -> None:
    from nodes.io.portaudio import PortAudio

    PortAudio().find(device, "input")


def _try_webrtc() -> None:
    from nodes.io.microphone.echo import WebRtc

    WebRtc(EchoConfig())
