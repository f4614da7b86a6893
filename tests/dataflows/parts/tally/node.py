from mio.runtime import serve

serve("tally")
