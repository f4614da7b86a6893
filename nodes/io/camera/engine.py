"""The camera's engine: sends the newest picture of its source on every tick, and where the user is in it."""

from typing import Any

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Clock, Message, Tick, VideoFrame
from mio.contracts.stage import StageClock
from nodes.io.camera.config import CameraConfig
from nodes.io.camera.faces import FaceFinder, read_detector
from nodes.io.camera.picture import Picture, fitted
from nodes.io.camera.sources import Source, source_for
from nodes.io.devices import device_name


class CameraEngine(Engine):
    """Sends pictures of the user; none while the camera is away or off.

    Args:
        source: The device.
        config: Size and rate.
        finder: Finds the user's face; None for nobody to look for it.
    """

    exclusive = True

    def __init__(self, source: Source, config: CameraConfig, finder: FaceFinder | None = None) -> None:
        self.tick_hz = config.fps
        self._source, self._finder = source, finder
        self._size = (config.width, config.height)
        self._clock = StageClock()

    def prepare(self, state: dict[str, Any]) -> None:
        """Look into the file, if it is one.

        Raises:
            MioError: If it is missing.
        """
        self._source.prepare(state.get("source", {}))

    def open(self) -> None:
        """Acquire the device.

        Raises:
            MioError: If the camera or file is missing.
        """
        self._source.open()

    def step(self, port: str, message: Message) -> Outputs:
        """Send the newest picture on a tick, and where the user is in it; follow the clock."""
        match message:
            case Tick():
                picture = self._source.read(message.mono_ns)
                if picture is not None:
                    yield "image", self._frame(picture)
                    place = None if self._finder is None else self._finder.place(picture.image)
                    if place is not None:
                        yield "user_place", place
            case Clock():
                self._clock.update(message)
            case _:
                pass

    def export_state(self) -> dict[str, Any]:
        """How far a file has been shown, or which camera it is, and the stage time."""
        return {"version": 1, "source": self._source.export_state(), "clock": self._clock.export_state()}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where the predecessor stood."""
        self._source.import_state(state.get("source", {}))
        self._clock.import_state(state.get("clock"))

    def close(self) -> None:
        """Release the device."""
        self._source.close()

    def _frame(self, picture: Picture) -> VideoFrame:
        image = fitted(picture.image, *self._size)
        height, width = image.shape[:2]
        return VideoFrame(
            pixels=image.reshape(-1),
            width=width,
            height=height,
            stage_s=self._clock.stage_s(picture.taken_ns) if self._clock.running else 0.0,
            origin_ns=picture.taken_ns,
        )


def build_engine(config: CameraConfig) -> CameraEngine:
    """Make the engine with its device, which is not opened yet."""
    finder = None if config.faces is None else FaceFinder(read_detector(config.faces), config.view_deg)
    return CameraEngine(source_for(device_name(config.device), config), config, finder)
