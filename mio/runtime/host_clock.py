"""Other machines' clocks: times in a message that comes from another host are turned into this host's.

``CLOCK_MONOTONIC`` counts from each machine's start, so two hosts differ by any amount, and drift apart by some ten
millionths. The difference is estimated from the messages themselves: arrival minus sending is the difference plus the
message's delay, and the smallest of many is the difference plus the shortest delay (minimum filter, as in Mills,
"Internet Time Synchronization", 1991). Times are therefore late by the shortest one-way delay: below 1 ms on a cable.

Every message carries times of its sender's clock. Each receiver translates them, and sends on its own.
"""

from collections import deque

import msgspec

from mio.contracts.messages import Clock, Message

_SPAN_NS = 5_000_000_000  # of which one smallest difference is kept
_SPANS = 12  # a minute, in which clocks that differ by 50 millionths drift apart by 3 ms
_RESTARTED_NS = 5_000_000_000  # no message takes that long: the other machine has been started again


class HostClock:
    """One other host's clock."""

    def __init__(self) -> None:
        self._smallest: deque[int] = deque(maxlen=_SPANS)
        self._span_until_ns = 0
        self._difference_ns = 0

    def difference_ns(self, sent_ns: int, arrived_ns: int) -> int:
        """What is to be added to its times, after one more message.

        Args:
            sent_ns: When it was sent, on its clock.
            arrived_ns: When it arrived, on this host's.
        """
        apparent_ns = arrived_ns - sent_ns
        if self._smallest and apparent_ns - self._difference_ns > _RESTARTED_NS:
            self._smallest.clear()
        if not self._smallest or arrived_ns >= self._span_until_ns:
            self._smallest.append(apparent_ns)
            self._span_until_ns = arrived_ns + _SPAN_NS
        self._smallest[-1] = min(self._smallest[-1], apparent_ns)
        self._difference_ns = min(self._smallest)
        return self._difference_ns


class HostClocks:
    """The clocks of all hosts that send to this one."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._others: dict[str, HostClock] = {}

    def here(self, message: Message, arrived_ns: int) -> Message:
        """A message with all its times on this host's clock.

        Args:
            message: As it was sent; one without sender or time of sending is left alone.
            arrived_ns: When it arrived, on this host's clock.
        """
        if message.host in ("", self._host) or not message.sent_ns:
            return message
        clock = self._others.setdefault(message.host, HostClock())
        add_ns = clock.difference_ns(message.sent_ns, arrived_ns)
        times = {"sent_ns": message.sent_ns + add_ns}
        if message.origin_ns:
            times["origin_ns"] = message.origin_ns + add_ns
        if isinstance(message, Clock):
            times["mono_ns"] = message.mono_ns + add_ns
        return msgspec.structs.replace(message, **times)
