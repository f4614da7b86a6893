"""Configuration of the camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from mio.errors import MioError
from nodes.io.devices import DeviceChoice, device_name, find_camera

Pixels = Annotated[int, msgspec.Meta(ge=16, le=4_096)]


class CameraConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where pictures of the user come from.

    Attributes:
        device: ``default``; number, file such as ``/dev/video0`` or part of the name of a camera (see ``mio devices``);
            path of a video file, a picture or a folder of pictures, with or without ``file:`` before it, paced in real
            time; or ``off`` for none.
        width: Pictures are made smaller, never larger, to fit into this width, pixels.
        height: And into this height.
        fps: Pictures per second, at most; pictures of a folder are shown for so long each.
        faces: Model that finds the user's face (YuNet, ONNX), which you bring; without one, nobody looks for it.
        view_deg: How wide the camera sees, from the left to the right edge of a picture.
        repeat: Begin a video file or a folder again at its end; otherwise its last picture is the last that is sent.
    """

    device: DeviceChoice = "default"
    width: Pixels = 640
    height: Pixels = 480
    fps: Annotated[float, msgspec.Meta(gt=0.0, le=120.0)] = 15.0
    faces: Path | None = None
    view_deg: Annotated[float, msgspec.Meta(ge=10.0, le=150.0)] = 65.0
    repeat: bool = True

    def check(self) -> Iterator[MioError]:
        """The camera or file, or the model that finds faces, if it is missing or unusable."""
        from nodes.io.camera.faces import read_detector
        from nodes.io.camera.sources import named_pictures, source_for

        device = device_name(self.device)
        try:
            if named_pictures(device) is not None:
                source = source_for(device, self)
                source.open()
                source.close()
            elif device != "null":
                find_camera(device)
            if self.faces is not None:
                read_detector(self.faces)
        except MioError as error:
            yield error
