"""Tools for the language model: servers of the Model Context Protocol, each kept connected by a task of its own.

Lives in the asyncio loop of the endpoint. What a tool returns is talk of a stranger: it is cut to size and cleaned, and
reaches the model as the tool's result, never as an instruction. Errors are results, too: the model is told that the
tool did not answer, and goes on without.
"""

import asyncio
import contextlib
import importlib.util
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from mio.errors import ConfigError
from nodes.thinker.chat import ToolCall
from nodes.thinker.tool_servers import ToolServer
from nodes.thinker.untrusted import as_talk

if TYPE_CHECKING:
    from mcp import Client

_CONNECT_S = 10.0
_AGAIN_S = 15.0  # after a server has failed
_GOODBYES, _GOODBYE_S = 3, 0.5
_LONGEST_CHARS = 2_000  # of a result
_FAILED = "The tool did not answer. Go on without it, and do not invent its result."
_NAME = re.compile(r"[^A-Za-z0-9_-]")
_log = logging.getLogger(__name__)


class _Tool(NamedTuple):
    """A tool that may be called: its server, its name there, and its description for the model."""

    server: str
    name: str
    wire: dict[str, Any]


class Toolbox:
    """Connects to tool servers and calls their tools."""

    def __init__(self, servers: Mapping[str, ToolServer], folder: Path, environ: Mapping[str, str]) -> None:
        """Get ready; nothing is started yet.

        Args:
            servers: Servers by name.
            folder: Where relative paths in their commands are looked up.
            environ: Where the variables that servers ask for are taken from.

        Raises:
            ConfigError: If the package for it is missing.
        """
        if importlib.util.find_spec("mcp") is None:
            raise ConfigError("tools need the package mcp", "pip install 'mio[tools]'")
        self._servers = dict(servers)
        self._folder = folder
        self._environ = environ
        self._tools: dict[str, _Tool] = {}
        self._clients: dict[str, Client] = {}
        self._doubts: dict[str, asyncio.Event] = {}  # whether a server still runs
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Connect in the background; to be called in the loop."""
        self._stopping = False
        self._tasks = [asyncio.create_task(self._keep(name, server)) for name, server in self._servers.items()]

    async def stop(self) -> None:
        """Disconnect, and end the programs that were started."""
        self._stopping = True
        left = set(self._tasks)
        for _ in range(_GOODBYES):
            if left:  # a connection that is being lost at this moment swallows the first request to end
                for task in left:
                    task.cancel()
                _, left = await asyncio.wait(left, timeout=_GOODBYE_S)
        self._tasks = []

    def offered(self) -> list[dict[str, Any]]:
        """The tools that can be called now, as a chat completion describes them."""
        return [tool.wire for tool in self._tools.values() if tool.server in self._clients]

    async def call(self, call: ToolCall) -> str:
        """Use a tool.

        Returns:
            What it says, or that it did not answer.
        """
        tool = self._tools.get(call.name)
        if tool is None or tool.server not in self._clients:
            _log.warning("tools: the model asked for '%s', which it may not use", call.name[:80])
            return "There is no such tool."
        try:
            arguments = _arguments(call.arguments)
        except ValueError as error:
            return f"The arguments cannot be read: {error}"
        timeout_s = self._servers[tool.server].timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                result = await self._clients[tool.server].call_tool(tool.name, arguments)
        except TimeoutError:
            _log.warning("tools: '%s' did not answer in %g s", call.name, timeout_s)
            return _FAILED
        except Exception as error:  # whatever a foreign server does, the conversation goes on
            self._doubts[tool.server].set()
            _log.warning("tools: '%s' failed: %s", call.name, _line(error))
            return _FAILED
        return as_talk(_text(result), _LONGEST_CHARS) or "The tool answered nothing."

    async def _keep(self, name: str, server: ToolServer) -> None:
        """Stay connected to a server; if it fails, connect again later."""
        while not self._stopping:
            try:
                await self._serve(name, server)
            except Exception as error:  # whatever a foreign server does, the conversation goes on
                _log.warning("tools: server '%s': %s", name, _line(error))
            finally:
                self._clients.pop(name, None)
            if not self._stopping:
                await asyncio.sleep(_AGAIN_S)

    async def _serve(self, name: str, server: ToolServer) -> None:
        from mcp import Client

        async with Client(self._target(server)) as client:
            async with asyncio.timeout(_CONNECT_S):
                listed = await client.list_tools()
            for tool in listed.tools:
                if tool.name in server.allow:
                    public = _NAME.sub("_", f"{name}__{tool.name}")[:64]
                    self._tools[public] = _Tool(name, tool.name, _wire(public, tool))
            missing = set(server.allow) - {tool.name for tool in listed.tools}
            if missing:
                _log.warning("tools: server '%s' has no %s", name, ", ".join(sorted(missing)))
            doubt = self._doubts[name] = asyncio.Event()
            self._clients[name] = client
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(doubt.wait(), _AGAIN_S)
                doubt.clear()
                async with asyncio.timeout(_CONNECT_S):
                    await client.list_tools()  # fails if the server has gone

    def _target(self, server: ToolServer) -> Any:
        from mcp.client.stdio import StdioServerParameters

        if server.url:
            return server.url
        environment = {name: self._environ[name] for name in server.env if name in self._environ}
        command, *arguments = server.command
        return StdioServerParameters(command=command, args=arguments, env=environment, cwd=self._folder)


def _wire(public: str, tool: Any) -> dict[str, Any]:
    description = as_talk(tool.description or "", _LONGEST_CHARS)
    function = {"name": public, "description": description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}


def _arguments(text: str) -> dict[str, Any]:
    values: Any = json.loads(text or "{}")
    if not isinstance(values, dict):
        raise ValueError("they are no JSON object")
    return cast(dict[str, Any], values)


def _text(result: Any) -> str:
    """The words of a result; its structured content if it has none."""
    texts = [part.text for part in result.content if getattr(part, "type", "") == "text"]
    if not texts and result.structured_content:
        texts = [msgspec.json.encode(result.structured_content).decode()]
    return ("Error: " if result.is_error else "") + "\n".join(texts)


def _line(error: BaseException) -> str:
    """An error as one line; of a group, its first one."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
