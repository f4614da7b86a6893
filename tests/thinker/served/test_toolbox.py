import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mio.errors import ConfigError
from nodes.thinker.chat import ToolCall
from nodes.thinker.tool_servers import ToolServer, ToolServers
from nodes.thinker.toolbox import Toolbox

pytest.importorskip("mcp")

HERE = Path(__file__).parent
ALLOWED = ["time", "sleep", "fail", "preach", "environment", "die"]
SERVER = ToolServer(
    allow=ALLOWED, command=[sys.executable, "clock_server.py"], env=["SHOWN", "MISSING"], timeout_s=30.0
)
ENVIRON = {"SHOWN": "1", "HIDDEN_KEY": "sk-secret"}
DEADLINE_S = 60.0


def with_tools(work: Callable[[Toolbox], Awaitable[Any]], server: ToolServer = SERVER) -> Any:
    async def run() -> Any:
        toolbox = Toolbox({"clock": server}, HERE, ENVIRON)
        toolbox.start()
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not toolbox.offered():
                    await asyncio.sleep(0.01)
                return await work(toolbox)
        finally:
            await toolbox.stop()

    return asyncio.run(run())


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall("1", f"clock__{name}", json.dumps(arguments))


def test_allowed_tools_are_offered_and_answer_whatever_happens_to_one_of_them():
    async def work(toolbox: Toolbox) -> list[str]:
        offered = {tool["function"]["name"]: tool["function"] for tool in toolbox.offered()}
        assert sorted(offered) == sorted(f"clock__{name}" for name in ALLOWED)
        assert offered["clock__time"]["description"] == "Tell the time at a place."
        assert "place" in offered["clock__time"]["parameters"]["properties"]
        names = ("fail", "preach", "environment", "forbidden")
        calls = [*(call(name) for name in names), ToolCall("1", "clock__time", "no JSON"), call("time")]
        said = [*await asyncio.gather(*(toolbox.call(one) for one in calls))]
        said.append(await toolbox.call(call("time", place="pier")))
        toolbox._servers["clock"] = msgspec.structs.replace(SERVER, timeout_s=0.3)
        said.append(await toolbox.call(call("sleep")))
        said.append(await toolbox.call(call("die")))
        return [*said, await toolbox.call(call("time", place="pier"))]

    failed, sermon, variables, forbidden, unreadable, incomplete, good, slow, dead, after = with_tools(work)
    assert "did not answer" in dead
    assert "did not answer" in after or "no such tool" in after
    assert good == "noon at the pier"
    assert "did not answer" in slow
    assert "secret" not in forbidden and "no such tool" in forbidden
    assert failed.startswith("Error") or "did not answer" in failed
    assert "<|" not in sermon and "System:" not in sermon and len(sermon) <= 2_000
    assert "SHOWN" in variables and "HIDDEN" not in variables
    assert "cannot be read" in unreadable
    assert "place" in incomplete or "did not answer" in incomplete


def test_a_server_that_cannot_be_started_is_reported_once_and_offers_nothing(caplog: pytest.LogCaptureFixture):
    async def run() -> list[dict[str, Any]]:
        toolbox = Toolbox({"clock": ToolServer(allow=["time"], command=["/no/such/program"])}, HERE, {})
        toolbox.start()
        async with asyncio.timeout(DEADLINE_S):
            while not caplog.records:
                await asyncio.sleep(0.01)
        offered = toolbox.offered()
        await toolbox.stop()
        return offered

    assert asyncio.run(run()) == []
    assert "server 'clock'" in caplog.text


def test_a_pack_alone_starts_no_server():
    servers = ToolServers(servers={"clock": SERVER, "web": ToolServer(allow=[], url="http://localhost:1/mcp")})
    assert servers.permitted((), HERE) == {}
    assert list(servers.permitted(("clock",), HERE)) == ["clock"]


def test_a_server_that_the_pack_does_not_have_is_an_error():
    with pytest.raises(ConfigError, match="no tool server 'clok' -> did you mean 'clock'"):
        ToolServers(servers={"clock": SERVER}).permitted(("clok",), HERE)


def test_a_server_needs_one_way_to_be_reached():
    with pytest.raises(ConfigError, match="a command or a url"):
        ToolServers(servers={"clock": ToolServer(allow=[])}).permitted(("clock",), HERE)
