"""One streamed chat completion: asks, leaves out what the endpoint refuses, and collects words and calls of tools."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from openai import APIStatusError, AsyncOpenAI

from nodes.thinker.capabilities import Capabilities
from nodes.thinker.chat import ChatMessage, ToolCall
from nodes.thinker.config import OpenAIConfig

_log = logging.getLogger(__name__)


class CutStreamError(Exception):
    """The endpoint stopped in the middle of an answer, or before it."""


class Completion(NamedTuple):
    """What is asked for.

    Attributes:
        messages: The conversation.
        tools: Tools that may be called.
        structured: Whether the answer shall be JSON.
    """

    messages: list[ChatMessage]
    tools: list[dict[str, Any]]
    structured: bool


class _Calls:
    """Calls of tools, which arrive in pieces."""

    def __init__(self) -> None:
        self._parts: dict[int, list[str]] = {}

    def add(self, pieces: Any) -> None:
        for place, piece in enumerate(pieces or ()):
            number = place if piece.index is None else piece.index
            part = self._parts.setdefault(number, ["", "", ""])
            part[0] = part[0] or piece.id or ""
            if piece.function is not None:
                part[1] += piece.function.name or ""
                part[2] += piece.function.arguments or ""

    def all(self) -> tuple[ToolCall, ...]:
        parts = [self._parts[number] for number in sorted(self._parts)]
        return tuple(ToolCall(id or f"call_{n}", name, text) for n, (id, name, text) in enumerate(parts) if name)


class Streamer:
    """Streams completions of one endpoint, whose capabilities it learns."""

    def __init__(self, config: OpenAIConfig, client: AsyncOpenAI, capabilities: Capabilities) -> None:
        self._config = config
        self._client = client
        self._capabilities = capabilities

    async def stream(self, asked: Completion, say: Callable[[str], None]) -> tuple[ToolCall, ...]:
        """Ask, hand on the words as they come, and return the tools that the model wants to use.

        Raises:
            Exception: Whatever the client raises; :class:`CutStreamError` or ``TimeoutError`` if the stream is cut,
                empty or silent.
        """
        clock = asyncio.get_running_loop()
        calls = _Calls()
        said, finished = False, False
        async with asyncio.timeout_at(clock.time() + self._config.first_token_s) as deadline:
            stream = await self._open(asked)
            async with stream:
                async for choice in _choices(stream):
                    finished = finished or choice.finish_reason is not None
                    calls.add(choice.delta.tool_calls)
                    if text := choice.delta.content:
                        said = True
                        say(text)
                    if text or choice.delta.tool_calls or _reasons(choice.delta):
                        deadline.reschedule(clock.time() + self._config.token_gap_s)
        wanted = calls.all()
        if not finished or not (said or wanted):
            raise CutStreamError("the stream was cut" if said or wanted else "the answer is empty")
        return wanted

    async def _open(self, asked: Completion) -> Any:
        """Send the request; again without what the endpoint refuses, as long as that is one of the features."""
        before = set(self._capabilities.refused)
        limits = {"temperature": self._config.temperature, "max_tokens": self._config.max_tokens}
        create: Any = self._client.chat.completions.create
        while True:
            parameters = self._capabilities.parameters(
                asked.messages, asked.tools, structured=asked.structured, limits=limits
            )
            try:
                stream = await create(model=self._config.model, stream=True, **parameters)
            except APIStatusError as error:
                if not self._capabilities.learn(error.status_code, str(error), parameters):
                    self._capabilities.refused = before
                    raise
            else:
                for feature in self._capabilities.refused - before:
                    _log.warning("language model: the endpoint does not take %s; going on without it", feature)
                return stream


async def _choices(stream: Any) -> AsyncIterator[Any]:
    async for chunk in stream:
        for choice in chunk.choices or ():
            if choice.delta is not None:
                yield choice


def _reasons(delta: Any) -> bool:
    """Whether a piece is hidden reasoning, which is a sign of life."""
    return bool(getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None))
