"""What all trainings share: run folder, loop, averaged weights, seeds, log and plot. Knows no node and no data."""
