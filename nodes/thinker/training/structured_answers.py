"""Answers in JSON of a language model behind an OpenAI-compatible endpoint, for those who judge conversations."""

import json
import re
from typing import Any, TypeVar

import msgspec
from openai import APIStatusError, OpenAI, OpenAIError

from mio.errors import MioError

T = TypeVar("T", bound=msgspec.Struct)

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_NO_SCHEMA = (400, 404, 422, 501)  # what servers without structured output answer


class AnsweringModel:
    """Asks for one JSON object at a time; may be used by several threads at once."""

    def __init__(
        self, base_url: str, model: str, key: str = "", *, timeout_s: float = 120.0, attempts: int = 3
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            base_url: Where the endpoint is, such as ``http://localhost:8080/v1``.
            model: Name of the model there.
            key: Its key; empty for none. It appears in no error.
            timeout_s: Longest wait for one answer.
            attempts: How often a question is asked until the answer can be read.
        """
        self._client = OpenAI(base_url=base_url, api_key=key or "none", timeout=timeout_s, max_retries=2)
        self._model = model
        self._where = f"{model} at {base_url}"
        self._key = key
        self._attempts = attempts
        self._schemas = True

    def ask(self, instruction: str, question: str, answer: type[T], *, temperature: float, seed: int) -> T:
        """Ask.

        Args:
            instruction: What the model shall do.
            question: What it shall do it with.
            answer: What the answer must look like.
            temperature: Of the sampling.
            seed: Of the sampling; a second attempt uses another.

        Raises:
            MioError: If the endpoint fails, or no answer could be read.
        """
        problem = ""
        for attempt in range(self._attempts):
            text = self._complete(instruction, question, answer, temperature, seed + 10_007 * attempt)
            found = _OBJECT.search(text)
            try:
                return msgspec.json.decode(found[0] if found else text, type=answer, strict=False)
            except msgspec.MsgspecError as error:
                problem = f"{error} in: {' '.join(text.split())[:120]}"
        raise MioError(f"{self._where}: unreadable answer: {problem}", "use a model that follows a JSON schema")

    def _complete(self, instruction: str, question: str, answer: type[msgspec.Struct], heat: float, seed: int) -> str:
        schema = msgspec.json.schema(answer)
        instruction = (
            f"{instruction}\nAnswer with one JSON object of this schema and nothing else:\n{json.dumps(schema)}"
        )
        messages = [{"role": "system", "content": instruction}, {"role": "user", "content": question}]
        create: Any = self._client.chat.completions.create
        request = {"model": self._model, "messages": messages, "temperature": heat, "seed": seed, "max_tokens": 2_000}
        structured = {"type": "json_schema", "json_schema": {"name": answer.__name__, "schema": schema}}
        try:
            if self._schemas:
                try:
                    return _text(create(**request, response_format=structured))
                except APIStatusError as error:
                    if error.status_code not in _NO_SCHEMA:
                        raise
                    self._schemas = False
            return _text(create(**request))
        except OpenAIError as error:
            reason = " ".join(str(error).split())[:200]
            reason = reason.replace(self._key, "***") if self._key else reason
            raise MioError(f"{self._where}: {reason}", "check address, key and name of the model") from error


def _text(completion: Any) -> str:
    choices = completion.choices or ()
    return (choices[0].message.content or "") if choices else ""
