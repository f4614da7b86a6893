"""Whether a window can be opened here."""

import os
import subprocess
import sys

from mio.errors import DeviceError

_PROBE = "import cv2; cv2.namedWindow('probe', cv2.WINDOW_NORMAL); cv2.destroyAllWindows()"
_PROBE_S = 20.0
_REMEDY = "do without a window: --screen null, or set DISPLAY to a running X server"


def display_name() -> str:
    """Name of the display that windows open on."""
    return os.environ.get("DISPLAY", "") or ("desktop" if sys.platform in ("win32", "darwin") else "")


def display_problem() -> DeviceError | None:
    """Why no window can be opened, with the remedy; None if one can be.

    The window is tried in a process of its own, since OpenCV's window system ends the process that it fails in.
    """
    try:
        import cv2
    except ImportError as error:
        return DeviceError(f"the package opencv-python cannot be loaded ({error})", "pip install 'mio[io]'")
    if "GUI:                           NONE" in cv2.getBuildInformation():
        return DeviceError("this OpenCV has no windows", "pip uninstall opencv-python-headless; pip install 'mio[io]'")
    if not display_name():
        return DeviceError("no display: DISPLAY is not set", _REMEDY)
    try:
        subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=_PROBE_S, check=True)
    except subprocess.TimeoutExpired:
        return DeviceError(f"no window within {_PROBE_S:g} s on display {display_name()}", _REMEDY)
    except subprocess.CalledProcessError as error:
        reason = next(iter(error.stderr.decode(errors="replace").splitlines()), f"exit status {error.returncode}")
        return DeviceError(f"no window can be opened on display {display_name()}: {reason}", _REMEDY)
    return None
