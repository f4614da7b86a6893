"""A language model behind an OpenAI-compatible endpoint, read by one thread so that the engine never waits.

The thread only moves bytes: it runs an asyncio loop with at most one conversation in it, which may use tools between
two completions. The engine polls.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any

from openai import AsyncOpenAI

from nodes.thinker.capabilities import Capabilities
from nodes.thinker.chat import ChatMessage, Event, Failed, Finished, Token, ToolCall
from nodes.thinker.completion import Completion, Streamer
from nodes.thinker.config import OpenAIConfig
from nodes.thinker.toolbox import Toolbox

_ATTEMPTS = 2
_CLOSE_S = 2.0
_MOST_CALLS = 4  # of tools, in one answer
_log = logging.getLogger(__name__)


class Endpoint:
    """Asks one question at a time."""

    def __init__(self, config: OpenAIConfig, key: str, toolbox: Toolbox | None = None) -> None:
        """Get ready; nothing is sent yet.

        Args:
            config: Where the endpoint is.
            key: Its key; empty for none. It appears in no log and no error.
            toolbox: Tools that the model may use.
        """
        self._config = config
        self._key = key
        self._toolbox = toolbox
        self._capabilities = Capabilities()
        self._events: queue.SimpleQueue[tuple[int, Event]] = queue.SimpleQueue()
        self._number = 0
        self._task: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: AsyncOpenAI | None = None
        self._acting: asyncio.Event | None = None

    def open(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._client = AsyncOpenAI(base_url=self._config.base_url, api_key=self._key or "none", max_retries=0)
        if self._toolbox is not None:
            self._loop.call_soon_threadsafe(self._toolbox.start)

    def ask(self, messages: Sequence[ChatMessage], *, structured: bool = False) -> None:
        """Send a request; an older one is cancelled.

        Args:
            messages: The conversation.
            structured: Whether the answer shall be JSON, if the endpoint can.
        """
        self.cancel()
        if self._loop is None or self._client is None:
            self._events.put((self._number, Failed("the connection is closed")))
            return
        self._acting = asyncio.Event()
        streamer = Streamer(self._config, self._client, self._capabilities)
        work = self._converse(streamer, self._number, list(messages), structured, self._acting)
        self._task = asyncio.run_coroutine_threadsafe(work, self._loop)

    def let_act(self) -> None:
        """Let the conversation in progress use tools: it is certain that its answer is wanted."""
        if self._acting is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._acting.set)
            self._acting = None

    def cancel(self) -> None:
        """Close the connection of the request in progress, if there is one; nothing of it is polled any more."""
        self._number += 1
        self._acting = None
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
        if self._toolbox is not None:
            self._finish(self._loop, self._toolbox.stop())
        self._finish(self._loop, self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_CLOSE_S)
        self._loop.close()
        self._loop = self._thread = self._client = None

    def _finish(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
        """Do the last work, but do not wait for ever."""
        try:
            asyncio.run_coroutine_threadsafe(work, loop).result(timeout=_CLOSE_S)
        except TimeoutError:
            _log.warning("language model: a connection did not close in %g s", _CLOSE_S)

    async def _converse(
        self,
        streamer: Streamer,
        number: int,
        messages: list[ChatMessage],
        structured: bool,
        acting: asyncio.Event,
    ) -> None:
        """Complete, use the tools that are asked for, and complete again."""
        for left in range(self._config.tool_rounds, -1, -1):
            said: list[str] = []

            def say(text: str, said: list[str] = said) -> None:
                said.append(text)
                self._events.put((number, Token(text)))

            tools = self._toolbox.offered() if self._toolbox is not None and left else []
            try:
                calls = await self._complete(streamer, Completion(messages, tools, structured), say, said)
            except Exception as error:  # whatever the network or the server does, the engine hears of it
                self._events.put((number, Failed(self._describe(error))))
                return
            if not calls or self._toolbox is None or not left:
                break
            await acting.wait()
            messages += await self._use(self._toolbox, "".join(said), calls[:_MOST_CALLS])
        self._events.put((number, Finished()))

    async def _complete(
        self, streamer: Streamer, asked: Completion, say: Callable[[str], None], said: list[str]
    ) -> tuple[ToolCall, ...]:
        """Stream one completion; try once more if nothing has come."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await streamer.stream(asked, say)
            except Exception as error:  # as above
                if said:
                    raise
                _log.warning("language model: %s; trying once more", self._describe(error))
        return await streamer.stream(asked, say)

    async def _use(self, toolbox: Toolbox, said: str, calls: tuple[ToolCall, ...]) -> list[ChatMessage]:
        """Call tools at the same time, and write down what they return."""
        results = await asyncio.gather(*(toolbox.call(call) for call in calls))
        asked = ChatMessage("assistant", said, calls=tuple(call.readable() for call in calls))
        return [asked, *(ChatMessage("tool", text, answers=c.id) for c, text in zip(calls, results, strict=True))]

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "no token in time"
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return (text.replace(self._key, "***") if self._key else text)[:200]
