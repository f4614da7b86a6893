"""Nodes: one folder each, which never imports another node."""
