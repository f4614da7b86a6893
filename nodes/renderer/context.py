"""The OpenGL context, without a window: EGL on a GPU if there is one, else Mesa's software rasteriser."""

import ctypes
import logging
import os
from functools import cache
from typing import Any

import moderngl

from mio.errors import MioError

_log = logging.getLogger(__name__)

_REMEDY = "install OpenGL for headless use: sudo apt-get install libegl1 libgl1-mesa-dri"
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader")


def open_context() -> moderngl.Context:
    """Open a context of OpenGL 3.3 or newer; logs once which renderer it is.

    Raises:
        MioError: If there is no EGL or no usable OpenGL, with the packages to install.
    """
    os.environ.setdefault("LP_NUM_THREADS", "1")  # llvmpipe fills pixels on one thread beside the calling one
    try:
        create: Any = moderngl.create_context  # its type stub gets the backend wrong
        context: moderngl.Context = create(require=330, standalone=True, backend="egl")
    except Exception as error:
        raise MioError(f"no OpenGL 3.3 through EGL: {error}", _REMEDY) from error
    _log_once(context.info["GL_RENDERER"])
    return context


def is_software(context: moderngl.Context) -> bool:
    """Whether pictures are drawn by the CPU."""
    return any(name in context.info["GL_RENDERER"].lower() for name in _SOFTWARE)


def describe() -> dict[str, Any]:
    """What would draw: ``renderer``, ``vendor``, ``version``, ``software``, ``max_samples``.

    Raises:
        MioError: As :func:`open_context`.
    """
    context = open_context()
    try:
        info = context.info
        return {
            "renderer": info["GL_RENDERER"],
            "vendor": info["GL_VENDOR"],
            "version": info["GL_VERSION"],
            "software": is_software(context),
            "max_samples": context.max_samples,
        }
    finally:
        context.release()


def begin_drawing() -> None:
    """Let the device begin with what it was told so far (``glFlush``), without waiting for it.

    moderngl has no such call; where the system's OpenGL library is not found, drawing begins when pixels are read.
    """
    library = _library()
    if library is not None:
        library.glFlush()


@cache
def _library() -> ctypes.CDLL | None:
    for name in ("libGL.so.1", "libOpenGL.so.0"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def set_uniform(program: moderngl.Program, name: str, value: bytes) -> None:
    """Set a uniform if the program uses it."""
    member = program.get(name, None)
    if isinstance(member, moderngl.Uniform):
        member.write(value)


@cache
def _log_once(renderer: str) -> None:
    _log.info("drawing with %s", renderer)
