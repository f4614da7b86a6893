"""Benchmarks: ``mio bench NAME`` runs the module of that name and keeps its figures. They compute like a node.

Importing this package limits the process to one compute thread, before a benchmark imports numpy or torch.
"""

from mio.runtime.compute import limit_threads

limit_threads()
