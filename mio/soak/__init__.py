"""The live conversation without devices, for long: run, disturbed, sampled and judged."""
