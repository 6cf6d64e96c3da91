"""Keeps the pauses of the garbage collector short: what lives as long as the process is not searched again and again.

A full collection walks over every object there is and stops the event loop meanwhile: some hundred milliseconds with
the SDK's service descriptions and an estate in memory. Objects that nobody uses any more are freed by their reference
counts as ever; only cycles among those set aside wait until the next call. Source: Python's library reference, `gc`.
"""

import gc


def set_aside() -> None:
    """Collect all garbage, once, and leave what remains out of later collections."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
