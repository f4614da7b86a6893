"""A dataflow that is running on this machine, reached through its nodes' supervisors."""

from pathlib import Path
from typing import Any

from mio.errors import MioError, did_you_mean
from mio.runtime.control import ask, running_flows

_STATUS_WITHIN_S = 3.0


class LiveFlow:
    """The supervisors of one running dataflow.

    Attributes:
        id: End of the dataflow's id.
        sockets: Control socket by node.
    """

    def __init__(self, flow_id: str, sockets: dict[str, Path]) -> None:
        self.id = flow_id
        self.sockets = sockets

    def ask(self, node: str, content: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Ask a node's supervisor.

        Raises:
            MioError: If there is no such node, it does not answer, or it refuses.
        """
        socket = self.sockets.get(node)
        if socket is None:
            raise MioError(f"no node '{node}' is running", did_you_mean(node, self.sockets))
        try:
            answer = ask(socket, content, timeout_s)
        except (OSError, ValueError) as error:
            raise MioError(f"{node} does not answer: {error}", "is it still running? see: dora list") from error
        if not answer.get("ok"):
            raise MioError(str(answer.get("problem")), str(answer.get("remedy", "")))
        return answer

    def status(self) -> list[dict[str, Any]]:
        """What each supervisor says of its node; those that do not answer are left out."""
        found: list[dict[str, Any]] = []
        for node in self.sockets:
            try:
                found.append(self.ask(node, {"do": "status"}, _STATUS_WITHIN_S))
            except MioError:
                continue
        return found


def find_flow(flow_id: str | None = None, root: Path | None = None) -> LiveFlow:
    """The dataflow that is running.

    Args:
        flow_id: End of its id, where several are running.
        root: Folder of the control sockets; the user's if left out.

    Raises:
        MioError: If there is none, or several and none is named.
    """
    flows = {name: sockets for name, sockets in running_flows(root).items() if name.endswith(flow_id or "")}
    if not flows:
        raise MioError("no dataflow is running here", "start one: mio talk, or dora run dataflows/mio.yml")
    if len(flows) > 1:
        raise MioError("several dataflows are running", f"name one with --flow: {', '.join(flows)}")
    ((name, sockets),) = flows.items()
    return LiveFlow(name, sockets)
