"""Sound cards through PortAudio: finding one by name, opening a stream, and keeping it open when it is unplugged."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum, auto
from typing import Any, Literal, NamedTuple, Protocol

from mio.errors import DeviceError

Direction = Literal["input", "output"]
Callback = Callable[..., None]
"""PortAudio's callback: ``(buffer, frames, time, status)``."""

_BLOCKS_PER_S = 100
_RETRY_NS = 1_000_000_000
_SILENT_NS = 1_500_000_000  # a stream that has not called back for so long is dead
_STARTING_NS = 5_000_000_000  # sound servers may take seconds to begin
_LARGEST_LATENCY_S = 1.0  # a stream time further away than this is a driver's nonsense

_CHECK_SOUND = "try 'aplay -l' and the system's sound settings, or do without: --microphone FILE, --speaker null"

_log = logging.getLogger(__name__)

_NAMES: dict[Direction, str] = {"input": "microphone", "output": "loudspeaker"}


class SoundCard(NamedTuple):
    """A device that PortAudio knows.

    Attributes:
        number: PortAudio's number.
        name: Its name.
        host: The sound system it belongs to, such as ALSA.
        channels: Most channels in the wanted direction.
        rate_hz: Its own sample rate.
        default: Whether the system takes it if nothing is chosen.
    """

    number: int
    name: str
    host: str
    channels: int
    rate_hz: int
    default: bool


class Stream(Protocol):
    """The part of a sounddevice stream that is used."""

    active: bool

    def start(self) -> None:
        """Begin to call back."""

    def abort(self) -> None:
        """Stop at once."""

    def close(self) -> None:
        """Release the device."""


class PortAudio:
    """The sound system.

    Args:
        module: ``sounddevice``, imported when first needed if left out.
    """

    def __init__(self, module: Any = None) -> None:
        self._module = module

    @property
    def module(self) -> Any:
        """The sounddevice module.

        Raises:
            DeviceError: If it or the PortAudio library is missing.
        """
        if self._module is None:
            try:
                import sounddevice
            except ImportError as error:
                raise DeviceError("the package sounddevice is missing", "pip install 'mio[io]'") from error
            except OSError as error:
                raise DeviceError(
                    f"the PortAudio library is missing ({error})", "install it: sudo apt install libportaudio2"
                ) from error
            except Exception as error:  # its own PortAudioError, of a module that cannot be imported
                raise DeviceError(f"the sound system does not start: {error}", _CHECK_SOUND) from error
            self._module = sounddevice
        return self._module

    def start(self) -> None:
        """Load PortAudio, which lists the devices while it starts: half a second, ahead of the first use.

        Raises:
            DeviceError: If it is missing.
        """
        _ = self.module

    def look_for(self, name: str, direction: Direction) -> None:
        """List the devices again if a card is not among them: one that was held by another process then is left out.

        Args:
            name: The card's name; empty for any.
            direction: What it is to be used for. No stream may be open.

        Raises:
            DeviceError: If PortAudio is missing or fails.
        """
        if name and all(card.name != name for card in self.cards(direction)):
            self.refresh()

    def cards(self, direction: Direction) -> list[SoundCard]:
        """All devices of a direction.

        Raises:
            DeviceError: If PortAudio is missing or fails.
        """
        try:
            hosts, rows = self.module.query_hostapis(), self.module.query_devices()
        except self.module.PortAudioError as error:
            raise DeviceError(f"sound devices cannot be listed: {error}", _CHECK_SOUND) from error
        default = self.module.default.device[0 if direction == "input" else 1]
        return [
            SoundCard(
                number=index,
                name=str(row["name"]),
                host=str(hosts[row["hostapi"]]["name"]),
                channels=int(row[f"max_{direction}_channels"]),
                rate_hz=round(row["default_samplerate"]),
                default=index == default,
            )
            for index, row in enumerate(rows)
            if row[f"max_{direction}_channels"] > 0
        ]

    def find(self, choice: str, direction: Direction) -> SoundCard:
        """The device that a user means: ``default``, its number, or a part of its name.

        Raises:
            DeviceError: If there is none, or several, naming those that exist.
        """
        kind = _NAMES[direction]
        cards = self.cards(direction)
        if not cards:
            raise DeviceError(f"no {kind} found", _without(direction))
        known = "; ".join(f"{card.number} {card.name}" for card in cards)
        if choice == "default":
            return next((card for card in cards if card.default), cards[0])
        if choice.isdecimal():
            found = [card for card in cards if card.number == int(choice)]
        else:
            found = [card for card in cards if card.name.lower() == choice.lower()] or [
                card for card in cards if choice.lower() in card.name.lower()
            ]
        if len(found) > 1:
            names = "; ".join(f"{card.number} {card.name}" for card in found)
            raise DeviceError(f"several {kind}s are called '{choice}': {names}", "choose one by its number")
        if not found:
            raise DeviceError(f"no {kind} '{choice}'", f"choose one of: {known}")
        return found[0]

    def open(self, card: SoundCard, direction: Direction, callback: Callback, latency_s: float) -> Stream:
        """Open and start a float32 stream of one or two channels at the device's own rate, in blocks of 10 ms.

        Raises:
            DeviceError: If the device is busy or refuses.
        """
        kind = self.module.InputStream if direction == "input" else self.module.OutputStream
        problem: Exception | None = None
        for channels in _channel_choices(card, direction):
            try:
                stream: Stream = kind(
                    samplerate=card.rate_hz,
                    blocksize=card.rate_hz // _BLOCKS_PER_S,
                    device=card.number,
                    channels=channels,
                    dtype="float32",
                    latency=latency_s,
                    callback=callback,
                )
                stream.start()
                return stream
            except self.module.PortAudioError as error:
                problem = error
        raise DeviceError(f"{_NAMES[direction]} '{card.name}' cannot be opened: {problem}", _without(direction))

    def refresh(self) -> None:
        """Look for devices again; no stream may be open. PortAudio lists them only when it starts."""
        self.module._terminate()
        self.module._initialize()


class KeeperState(Enum):
    """State of a stream that is kept open.

    CLOSED -> OPENING when a second has passed since the last try; OPENING -> OPEN, or back to CLOSED if that failed;
    OPEN -> CLOSED when the device is gone.
    """

    CLOSED = auto()
    OPENING = auto()
    OPEN = auto()


class StreamKeeper:
    """Opens a stream, notices when it dies, and opens it again when the device is back.

    Opening takes up to a second on some systems, so it happens in a thread of its own. Each loss and each return is
    logged once.

    Args:
        name: What the log calls the device.
        system: The sound system.
        open_stream: Opens and starts the stream; called in the thread.
    """

    def __init__(self, name: str, system: PortAudio, open_stream: Callable[[], Stream]) -> None:
        self._name = name
        self._system = system
        self._open_stream = open_stream
        self._thread: ThreadPoolExecutor | None = None
        self._opening: Future[Stream] | None = None
        self._stream: Stream | None = None
        self._state = KeeperState.CLOSED
        self._next_try_ns = 0
        self._alive_ns = 0
        self._starting = False
        self._calls_seen = 0
        self._lost = False

    @property
    def state(self) -> KeeperState:
        """Where it stands."""
        return self._state

    def check(self, now_ns: int, calls: int) -> bool:
        """Go on with opening, watching or reopening.

        Args:
            now_ns: ``CLOCK_MONOTONIC``.
            calls: How often the stream has called back so far; if it stands still, the stream is dead.

        Returns:
            Whether the stream is open and calls back.
        """
        match self._state:
            case KeeperState.CLOSED if now_ns >= self._next_try_ns:
                self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="device")
                self._opening = self._thread.submit(self._open)
                self._state = KeeperState.OPENING
            case KeeperState.OPENING if self._opening is not None and self._opening.done():
                self._opened(self._opening, now_ns, calls)
            case KeeperState.OPEN:
                self._watch(now_ns, calls)
            case _:
                pass
        return self._state is KeeperState.OPEN and not self._starting

    def close(self) -> None:
        """Release the device; :meth:`check` opens it again."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        if self._opening is not None and self._opening.exception() is None:
            self._stream = self._opening.result()
        self._drop_stream()
        self._thread = self._opening = None
        self._state, self._next_try_ns = KeeperState.CLOSED, 0

    def _open(self) -> Stream:
        self._drop_stream()
        if self._lost:
            self._system.refresh()
        return self._open_stream()

    def _opened(self, opening: Future[Stream], now_ns: int, calls: int) -> None:
        self._opening = None
        error = opening.exception()
        if error is None:
            self._stream = opening.result()
            self._state, self._alive_ns, self._calls_seen, self._starting = KeeperState.OPEN, now_ns, calls, True
        else:
            self._fail(str(error), now_ns)

    def _watch(self, now_ns: int, calls: int) -> None:
        if calls != self._calls_seen:
            if self._lost:
                _log.info("%s is back", self._name)
            self._calls_seen, self._alive_ns, self._starting, self._lost = calls, now_ns, False, False
        silent_ns = _STARTING_NS if self._starting else _SILENT_NS
        if self._stream is None or not self._stream.active:
            self._fail(f"{self._name} is gone", now_ns)
        elif now_ns - self._alive_ns > silent_ns:
            self._fail(f"{self._name} does not answer", now_ns)

    def _fail(self, problem: str, now_ns: int) -> None:
        if not self._lost:
            _log.warning("%s; trying again every second", problem)
        self._lost = True
        self._state = KeeperState.CLOSED
        self._next_try_ns = now_ns + _RETRY_NS

    def _drop_stream(self) -> None:
        if self._stream is None:
            return
        try:
            self._stream.abort()
            self._stream.close()
        except self._system.module.PortAudioError as error:
            _log.debug("%s: %s", self._name, error)
        self._stream = None


def monotonic_s(stream_now_s: float, stream_time_s: float, otherwise_s: float) -> float:
    """``CLOCK_MONOTONIC`` of a moment in a stream's own time, seconds; called inside PortAudio's callback.

    Args:
        stream_now_s: The stream's time now.
        stream_time_s: The moment.
        otherwise_s: Distance of the moment from now if the driver gives no usable times.
    """
    away_s = stream_time_s - stream_now_s
    if stream_time_s <= 0.0 or abs(away_s) > _LARGEST_LATENCY_S:
        away_s = otherwise_s
    return time.monotonic_ns() * 1e-9 + away_s


def _channel_choices(card: SoundCard, direction: Direction) -> tuple[int, ...]:
    if card.channels < 2:
        return (1,)
    return (1, 2) if direction == "input" else (2, 1)


def _without(direction: Direction) -> str:
    if direction == "input":
        return "plug one in and see 'mio devices', or take a sound file or none: --microphone FILE, --microphone null"
    return "plug one in and see 'mio devices', or do without: --speaker null"
