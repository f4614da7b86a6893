"""Self-training of the thinker: a scenario policy and a persona policy improve each other without human labels."""
