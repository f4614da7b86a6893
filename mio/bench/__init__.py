"""Benchmarks: ``mio bench NAME`` runs the module of that name and keeps its figures."""
