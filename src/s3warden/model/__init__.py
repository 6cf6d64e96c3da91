"""The nouns that travel between the stages.

Every type here is frozen and needs nothing but the standard library. A stage takes these types in and hands these
types on; none of them does I/O, reads a clock or knows of asyncio.
"""
