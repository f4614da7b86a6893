"""The devices of this machine, as plain rows for ``mio devices`` and ``mio doctor``."""

import sys
from pathlib import Path
from typing import NamedTuple

from mio.errors import DeviceError
from nodes.io.display import display_name, display_problem
from nodes.io.portaudio import Direction, PortAudio

_VIDEO4LINUX = Path("/sys/class/video4linux")
_PROBED_CAMERAS = 4
_NO_CAMERA = "plug one in, or set 'device:' to a video file, a picture, a folder of pictures, or off"


DeviceChoice = str | int | bool | None
"""What a configuration says after ``device:``; YAML reads ``null`` as None and ``off`` as False."""


class Device(NamedTuple):
    """A device.

    Attributes:
        choice: What to write after ``device:`` to choose it.
        name: What its maker calls it.
        detail: Channels, rate, size.
        default: Whether it is taken if nothing is chosen.
    """

    choice: str
    name: str
    detail: str = ""
    default: bool = False


class Listing(NamedTuple):
    """The devices of one kind, or why they cannot be listed and what to do."""

    devices: list[Device]
    problem: str = ""
    remedy: str = ""


def list_microphones(system: PortAudio | None = None) -> Listing:
    """All microphones."""
    return _list_sound(system or PortAudio(), "input")


def list_speakers(system: PortAudio | None = None) -> Listing:
    """All loudspeakers and headphones."""
    return _list_sound(system or PortAudio(), "output")


def list_cameras(folder: Path = _VIDEO4LINUX) -> Listing:
    """All cameras; on Linux from the kernel's list, elsewhere by trying the first few."""
    devices = _linux_cameras(folder) if sys.platform.startswith("linux") else _probed_cameras()
    if devices:
        return Listing(devices)
    return Listing([], "no camera found", _NO_CAMERA)


def list_displays() -> Listing:
    """The display that windows open on."""
    problem = display_problem()
    if problem is not None:
        return Listing([], problem.problem, problem.remedy)
    return Listing([Device("window", display_name(), default=True)])


def device_name(device: DeviceChoice) -> str:
    """A choice as text; ``null`` for none."""
    return "null" if device is None or device is False or device == "off" else str(device)


def find_camera(choice: str, listing: Listing | None = None) -> Device:
    """The camera that a user means: ``default``, its number, its file such as ``/dev/video0``, or a part of its name.

    Raises:
        DeviceError: If there is none, or several, naming those that exist.
    """
    cameras = list_cameras() if listing is None else listing
    number = choice.removeprefix("/dev/video")
    if number.isdecimal() and Path(f"/dev/video{number}").exists():
        return Device(number, f"camera {number}")
    if not cameras.devices:
        raise DeviceError(cameras.problem, cameras.remedy)
    if choice == "default":
        return cameras.devices[0]
    found = [camera for camera in cameras.devices if camera.choice == number]
    found = found or [camera for camera in cameras.devices if choice.lower() in camera.name.lower()]
    if len(found) == 1:
        return found[0]
    known = "; ".join(f"{camera.choice} {camera.name}" for camera in cameras.devices)
    problem = f"several cameras are called '{choice}'" if found else f"no camera '{choice}'"
    raise DeviceError(problem, f"choose one by its number: {known}")


def named_file(device: str) -> Path | None:
    """The file that a device's name stands for: after ``file:``, or if it exists, or if it looks like a path."""
    if device.startswith("/dev/"):
        return None
    if device.startswith("file:"):
        return Path(device.removeprefix("file:")).expanduser()
    path = Path(device).expanduser()
    suffix = path.suffix[1:]
    is_path = device.startswith(("/", "./", "../", "~")) or (1 < len(suffix) < 6 and suffix.isalnum())
    return path if path.is_file() or (is_path and not suffix.isdecimal()) else None


def _list_sound(system: PortAudio, direction: Direction) -> Listing:
    try:
        cards = system.cards(direction)
    except DeviceError as error:
        return Listing([], error.problem, error.remedy)
    devices = [
        Device(
            choice=str(card.number),
            name=card.name,
            detail=f"{card.host}, {card.channels} ch, {card.rate_hz / 1e3:g} kHz",
            default=card.default,
        )
        for card in cards
    ]
    if devices:
        return Listing(devices)
    if direction == "input":
        return Listing([], "no microphone found", "plug one in, or take a sound file: --microphone FILE")
    return Listing([], "no loudspeaker found", "plug one in, or do without: --speaker null")


def _linux_cameras(folder: Path) -> list[Device]:
    """Capture devices; a camera's further entries (``index`` above 0) carry its metadata, not pictures."""
    devices: list[Device] = []
    for entry in sorted(folder.glob("video*"), key=lambda path: (len(path.name), path.name)):
        try:
            name, index = (entry / "name").read_text().strip(), (entry / "index").read_text().strip()
        except OSError:
            continue
        if index == "0":
            devices.append(Device(entry.name.removeprefix("video"), name, f"/dev/{entry.name}", not devices))
    return devices


def _probed_cameras() -> list[Device]:
    import cv2

    devices: list[Device] = []
    for number in range(_PROBED_CAMERAS):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            size = f"{capture.get(cv2.CAP_PROP_FRAME_WIDTH):.0f} x {capture.get(cv2.CAP_PROP_FRAME_HEIGHT):.0f}"
            devices.append(Device(str(number), f"camera {number}", size, not devices))
        capture.release()
    return devices
