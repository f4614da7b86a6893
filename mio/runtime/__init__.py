"""Runs an engine as a dora node. Importing this package limits the process to one compute thread."""

from mio.runtime.compute import limit_threads

limit_threads()


def serve(package: str) -> None:
    """The main function of every node: run its package (``config``, ``engine``, ``dora-node.yml``) as a slot.

    Args:
        package: Such as ``nodes.talker``.
    """
    from mio.runtime.slot import supervise

    supervise(package)
