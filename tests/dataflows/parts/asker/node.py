from mio.runtime import serve

serve("asker")
