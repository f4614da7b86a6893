"""The library every Mio node shares. It knows no node."""

__version__ = "0.1.0"
