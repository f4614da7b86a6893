"""Building blocks of streaming networks, for every module that learns. Knows no node and no task."""
