from mio.runtime import serve

serve("pulse")
