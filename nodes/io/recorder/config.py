"""Configuration of the recorder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mio.errors import MioError

Gain = Annotated[float, msgspec.Meta(ge=-60.0, le=20.0)]


class RecorderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is recorded, and how well.

    Attributes:
        path: The mp4 file. Its folder is made; an existing file stays and the new one gets a number.
        overwrite: Replace an existing file instead.
        crf: x264's quality: 0 lossless, 23 good, 51 worst.
        preset: x264's effort; each step costs more time per frame and saves space.
        user_gain_db: Loudness of the user's voice on the sound track.
        avatar_gain_db: Loudness of the avatar's voice.
        stems: Also write each voice alone, as ``<name>.user.wav`` and ``<name>.avatar.wav``, from the video's start.
    """

    path: Path = Path("recording.mp4")
    overwrite: bool = False
    crf: Annotated[int, msgspec.Meta(ge=0, le=51)] = 23
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast"] = "ultrafast"
    user_gain_db: Gain = 0.0
    avatar_gain_db: Gain = 0.0
    stems: bool = False

    def check(self) -> Iterator[MioError]:
        """The file, if it cannot be written."""
        from nodes.io.recorder.files import path_problem

        problem = path_problem(self.path)
        if problem is not None:
            yield problem
