"""Reads pieces of a story with a language model behind an OpenAI-compatible endpoint."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import openai

from mio.errors import MioError
from nodes.thinker.construction.reading import Reading, instruction, parse_reading, schema

_ATTEMPTS = 4
_FIRST_WAIT_S = 1.0
_TIMEOUT_S = 300.0
_LONGEST_REASON = 300


class Usage(NamedTuple):
    """Tokens that were sent and that came back."""

    sent: int = 0
    received: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Both together."""
        return Usage(self.sent + other.sent, self.received + other.received)


class ModelReader:
    """Asks for a reading until it gets one."""

    def __init__(self, base_url: str, model: str, key: str, wait: Callable[[float], None] = time.sleep) -> None:
        """Get ready; nothing is sent yet.

        Args:
            base_url: Such as ``http://localhost:11434/v1``.
            model: Its name there.
            key: The endpoint's key; empty for none. It appears in no error.
            wait: Waits so many seconds before another attempt.
        """
        self._client = openai.OpenAI(base_url=base_url, api_key=key or "none", max_retries=0, timeout=_TIMEOUT_S)
        self._url = base_url
        self._model = model
        self._key = key
        self._wait = wait
        self._structured = True

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def read(self, question: str) -> tuple[Reading, Usage]:
        """Ask about a piece.

        Raises:
            MioError: If no attempt brings a reading that fits the schema.
        """
        chat = [{"role": "system", "content": instruction()}, {"role": "user", "content": question}]
        used = Usage()
        reason = ""
        for wait_s in _waits():
            if wait_s and not reason.startswith("not a reading"):
                self._wait(wait_s)
            try:
                answer, usage = self._ask(chat)
                used = used.plus(usage)
                return parse_reading(answer), used
            except msgspec.MsgspecError as error:
                reason = f"not a reading: {error}"
                remark = f"That does not fit the schema: {error}. Answer with the whole JSON object again."
                chat = [*chat[:2], {"role": "user", "content": remark}]
            except openai.OpenAIError as error:
                reason = self._describe(error)
                if isinstance(error, openai.AuthenticationError | openai.NotFoundError):
                    break
        raise MioError(f"{self._url} does not read: {reason}", "mend the endpoint and run it again; it goes on here")

    def _ask(self, chat: list[dict[str, str]]) -> tuple[str, Usage]:
        """One request; an endpoint that refuses structured output is asked without."""
        try:
            completion = self._complete(chat)
        except openai.BadRequestError:
            if not self._structured:
                raise
            self._structured = False
            completion = self._complete(chat)
        usage = completion.usage
        used = Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage()
        choices = completion.choices or []
        return (choices[0].message.content or "") if choices else "", used

    def _complete(self, chat: list[dict[str, str]]) -> Any:
        create: Any = self._client.chat.completions.create
        form = {"type": "json_schema", "json_schema": {"name": "reading", "strict": True, "schema": schema()}}
        structure = {"response_format": form} if self._structured else {}
        return create(model=self._model, messages=chat, temperature=0.0, **structure)

    def _describe(self, error: Exception) -> str:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return (text.replace(self._key, "***") if self._key else text)[:_LONGEST_REASON]


def _waits() -> Iterator[float]:
    """Seconds before each attempt."""
    yield 0.0
    for attempt in range(_ATTEMPTS - 1):
        yield _FIRST_WAIT_S * 2.0**attempt
