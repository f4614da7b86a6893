from mio.runtime import serve

serve("relay")
