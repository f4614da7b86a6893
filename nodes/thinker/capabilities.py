"""What an endpoint takes: learnt from what it refuses, so that the same request without that is made at once."""

import re
from dataclasses import dataclass, field
from typing import Any

from nodes.thinker.chat import ChatMessage
from nodes.thinker.reply_format import RESPONSE_FORMAT

_REFUSALS = (400, 413, 415, 422, 501)  # that may be about any of the parameters
_MENTIONS = {
    "response_format": re.compile(r"response_format|json_schema|json schema|grammar|structured", re.IGNORECASE),
    "picture": re.compile(r"image|vision|multimodal|multi-modal|mmproj|content part|must be a string", re.IGNORECASE),
    "tools": re.compile(r"\btools?\b|function call", re.IGNORECASE),
    "max_tokens": re.compile(r"max_tokens", re.IGNORECASE),
    "temperature": re.compile(r"temperature", re.IGNORECASE),
}
_UNCLEAR = ("response_format", "picture", "tools")  # order in which they are left out if the refusal names none


@dataclass
class Capabilities:
    """What is left out of requests because the endpoint has refused it.

    Attributes:
        refused: Names of features.
    """

    refused: set[str] = field(default_factory=lambda: set())

    def takes(self, feature: str) -> bool:
        """Whether a feature has not been refused yet."""
        return feature not in self.refused

    def parameters(
        self, messages: list[ChatMessage], tools: list[dict[str, Any]], *, structured: bool, limits: dict[str, Any]
    ) -> dict[str, Any]:
        """The parameters of a request, without what the endpoint does not take.

        Args:
            messages: The conversation.
            tools: Tools that the model may call.
            structured: Whether the answer shall be JSON.
            limits: ``temperature`` and ``max_tokens``.
        """
        wanted: dict[str, Any] = {name: value for name, value in limits.items() if self.takes(name)}
        if not self.takes("max_tokens"):
            wanted["max_completion_tokens"] = limits["max_tokens"]
        if structured and self.takes("response_format"):
            wanted["response_format"] = RESPONSE_FORMAT
        if tools and self.takes("tools"):
            wanted["tools"] = tools
        wanted["messages"] = [message.wire(picture=self.takes("picture")) for message in messages]
        return wanted

    def learn(self, status: int, text: str, sent: dict[str, Any]) -> str:
        """Find out what a refusal is about, and leave it out from now on.

        Args:
            status: HTTP status.
            text: What the endpoint said.
            sent: The parameters that it refused.

        Returns:
            Name of the feature; empty if the refusal has to do with none.
        """
        used = [name for name in _MENTIONS if _is_used(name, sent)]
        named = [name for name in used if _MENTIONS[name].search(text)]
        if not named and status in _REFUSALS:
            named = [name for name in _UNCLEAR if name in used]
        if not named or status in (401, 403, 429):
            return ""
        self.refused.add(named[0])
        return named[0]


def _is_used(feature: str, sent: dict[str, Any]) -> bool:
    if feature == "picture":
        return any(isinstance(message["content"], list) for message in sent["messages"])
    return feature in sent
