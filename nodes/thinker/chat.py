"""What is exchanged with a language model: messages, calls of tools, and what arrives of an answer."""

import json
from typing import Any, Literal, NamedTuple

_SEEN = "(The picture is what your camera shows you of this person right now.)"


class ToolCall(NamedTuple):
    """A tool that the model wants to use.

    Attributes:
        id: Its number, given by the model; the result refers to it.
        name: The tool.
        arguments: JSON, as the model wrote it.
    """

    id: str
    name: str
    arguments: str

    def readable(self) -> "ToolCall":
        """The call with arguments that are JSON in any case: servers refuse to read others a second time."""
        try:
            json.loads(self.arguments)
        except ValueError:
            return self._replace(arguments="{}")
        return self


class ChatMessage(NamedTuple):
    """A message of a chat completion.

    Attributes:
        role: Who speaks.
        content: The words.
        picture: A picture beside them, as a ``data:`` address; empty for none.
        calls: Tools that the model asks for, of role ``assistant``.
        answers: Id of the call that this is the result of, of role ``tool``.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    picture: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""

    def wire(self, *, picture: bool = True) -> dict[str, Any]:
        """The message as the endpoint takes it.

        Args:
            picture: Whether the endpoint takes pictures.
        """
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.picture and picture:
            image = {"type": "image_url", "image_url": {"url": self.picture}}
            message["content"] = [{"type": "text", "text": f"{self.content}\n{_SEEN}"}, image]
        if self.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ]
        if self.answers:
            message["tool_call_id"] = self.answers
        return message


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
