"""Long-term memory: the diegetic knowledge graph, and what is remembered of each person."""
