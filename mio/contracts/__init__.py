"""What travels between nodes, and what a node is. The floor of the project: it imports nothing of the rest."""
