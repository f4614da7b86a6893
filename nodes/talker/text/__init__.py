"""From a clause as it is written to what a voice is to say, with the way back to every character."""
