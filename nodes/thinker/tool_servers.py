"""Tool servers that a character may use: the section ``tools`` of ``character.yml``."""

from pathlib import Path
from typing import Annotated

import msgspec

from mio.errors import ConfigError, did_you_mean


class ToolServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server of the Model Context Protocol.

    Attributes:
        allow: Its tools that the model may see and call; no others exist for it.
        command: Program that is started and spoken to through its standard input and output, with its arguments;
            relative paths mean relative to the pack.
        url: Address of a server that runs already (Streamable HTTP), instead of a command.
        env: Names of environment variables that the program gets; it sees no others but PATH, HOME and the like.
        timeout_s: Longest time that one call may take.
    """

    allow: list[str]
    command: list[str] = []
    url: str = ""
    env: list[str] = []
    timeout_s: Annotated[float, msgspec.Meta(gt=0.0, le=60.0)] = 4.0


class ToolServers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section ``tools``.

    Attributes:
        servers: Servers by name.
    """

    servers: dict[str, ToolServer] = {}

    def permitted(self, names: tuple[str, ...], folder: Path) -> dict[str, ToolServer]:
        """The servers that the user lets this character use.

        Args:
            names: Their names, from the user's configuration and not from the pack: a pack alone starts no program.
            folder: The pack's folder.

        Raises:
            ConfigError: If the pack has no such server, or one can be reached in no way or in two.
        """
        for name in names:
            if name not in self.servers:
                problem = f"{folder / 'character.yml'}: no tool server '{name}'"
                raise ConfigError(problem, did_you_mean(name, self.servers, "name it under tools: servers:"))
            if bool(self.servers[name].command) == bool(self.servers[name].url):
                problem = f"{folder / 'character.yml'}: tool server '{name}' needs a command or a url"
                raise ConfigError(problem, "give it one of them")
        return {name: self.servers[name] for name in names}
