"""The face node: moves the face all the time, speaking and listening."""

from nodes.face.config import FaceConfig

__all__ = ["FaceConfig"]
