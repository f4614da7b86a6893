from typing import Any

import pytest

from nodes.thinker.capabilities import Capabilities
from nodes.thinker.chat import ChatMessage

LIMITS = {"temperature": 0.7, "max_tokens": 100}
TOOL = {"type": "function", "function": {"name": "clock__now"}}


def asked(capabilities: Capabilities) -> dict[str, Any]:
    messages = [ChatMessage("user", "Hello.", picture="data:image/jpeg;base64,AAAA")]
    return capabilities.parameters(messages, [TOOL], structured=True, limits=LIMITS)


def test_at_first_everything_is_asked_for():
    sent = asked(Capabilities())
    assert {"temperature", "max_tokens", "response_format", "tools", "messages"} == set(sent)
    assert sent["messages"][0]["content"][1]["type"] == "image_url"


@pytest.mark.parametrize(
    ("status", "text", "feature"),
    [
        (400, "Cannot use custom grammar constraints with tools.", "response_format"),
        (400, "'response_format' is not supported", "response_format"),
        (400, '"auto" tool choice requires --enable-auto-tool-choice', "tools"),
        (500, "image input is not supported - hint: you may need to provide the mmproj", "picture"),
        (400, "Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens"),
        (422, "bad request", "response_format"),
        (404, "model not found", ""),
        (500, "out of memory", ""),
        (401, "no tools for you", ""),
        (429, "too many images", ""),
    ],
)
def test_what_a_refusal_is_about_is_left_out_from_then_on(status: int, text: str, feature: str):
    capabilities = Capabilities()
    assert capabilities.learn(status, text, asked(capabilities)) == feature
    assert capabilities.refused == ({feature} if feature else set())


def test_an_unclear_refusal_takes_one_feature_after_the_other_until_none_is_left():
    capabilities = Capabilities()
    left = [capabilities.learn(400, "no", asked(capabilities)) for _ in range(4)]
    assert left == ["response_format", "picture", "tools", ""]
    assert asked(capabilities)["messages"] == [{"role": "user", "content": "Hello."}]


def test_a_limit_of_tokens_goes_by_its_other_name():
    capabilities = Capabilities({"max_tokens"})
    assert asked(capabilities)["max_completion_tokens"] == 100
