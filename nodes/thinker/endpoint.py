"""A language model behind an OpenAI-compatible endpoint, read by one thread so that the engine never waits.

The thread only moves bytes: it runs an asyncio loop with at most one request in it. The engine polls.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from openai import AsyncOpenAI

from nodes.thinker.config import OpenAIConfig
from nodes.thinker.prompt import ChatMessage

_ATTEMPTS = 2
_CLOSE_S = 2.0
_log = logging.getLogger(__name__)


class Token(NamedTuple):
    """A piece of the answer."""

    text: str


class Finished(NamedTuple):
    """The answer is complete."""


class Failed(NamedTuple):
    """No more of the answer will come.

    Attributes:
        reason: What went wrong, without the key.
    """

    reason: str


Event = Token | Finished | Failed


class CutStreamError(Exception):
    """The endpoint stopped in the middle of an answer, or before it."""


class Endpoint:
    """Asks one question at a time."""

    def __init__(self, config: OpenAIConfig, key: str) -> None:
        """Get ready; nothing is sent yet.

        Args:
            config: Where the endpoint is.
            key: Its key; empty for none. It appears in no log and no error.
        """
        self._config = config
        self._key = key
        self._events: queue.SimpleQueue[tuple[int, Event]] = queue.SimpleQueue()
        self._number = 0
        self._task: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: AsyncOpenAI | None = None

    def open(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._client = AsyncOpenAI(base_url=self._config.base_url, api_key=self._key or "none", max_retries=0)

    def ask(self, messages: Sequence[ChatMessage]) -> None:
        """Send a request; an older one is cancelled."""
        self.cancel()
        if self._loop is None or self._client is None:
            self._events.put((self._number, Failed("the connection is closed")))
            return
        chat = [message._asdict() for message in messages]
        work = self._converse(self._client, self._number, chat)
        self._task = asyncio.run_coroutine_threadsafe(work, self._loop)

    def cancel(self) -> None:
        """Close the connection of the request in progress, if there is one; nothing of it is polled any more."""
        self._number += 1
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def poll(self) -> list[Event]:
        """What has arrived since the last call."""
        events: list[Event] = []
        while True:
            try:
                number, event = self._events.get_nowait()
            except queue.Empty:
                return events
            if number == self._number:
                events.append(event)

    def close(self) -> None:
        """Cancel what is in progress and end the thread; it can be opened again."""
        self.cancel()
        if self._loop is None or self._thread is None or self._client is None:
            return
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(timeout=_CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_CLOSE_S)
        self._loop.close()
        self._loop = self._thread = self._client = None

    async def _converse(self, client: AsyncOpenAI, number: int, chat: list[dict[str, str]]) -> None:
        """Stream the answer; try once more if nothing has come."""
        for attempt in range(1, _ATTEMPTS + 1):
            began = False
            try:
                async for text in self._tokens(client, chat):
                    began = True
                    self._events.put((number, Token(text)))
            except Exception as error:  # whatever the network or the server does, the engine hears of it
                reason = self._describe(error)
                if not began and attempt < _ATTEMPTS:
                    _log.warning("language model: %s; trying once more", reason)
                    continue
                self._events.put((number, Failed(reason)))
            else:
                self._events.put((number, Finished()))
            return

    async def _tokens(self, client: AsyncOpenAI, chat: list[dict[str, str]]) -> AsyncIterator[str]:
        """Texts of the stream; raises if it is cut, silent, or empty."""
        clock = asyncio.get_running_loop()
        async with asyncio.timeout_at(clock.time() + self._config.first_token_s) as deadline:
            create: Any = client.chat.completions.create
            stream = await create(
                model=self._config.model,
                messages=chat,
                temperature=self._config.temperature,
                max_tokens=self._config.max_tokens,
                stream=True,
            )
            said, finished = False, False
            async with stream:
                async for chunk in stream:
                    for choice in chunk.choices or ():
                        finished = finished or choice.finish_reason is not None
                        if text := choice.delta.content:
                            said = True
                            yield text
                            deadline.reschedule(clock.time() + self._config.token_gap_s)
            if not finished or not said:
                raise CutStreamError("the stream was cut" if said else "the answer is empty")

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "no token in time"
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return (text.replace(self._key, "***") if self._key else text)[:200]
