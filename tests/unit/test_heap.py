import gc
import weakref
from collections.abc import Iterator

import pytest

from s3warden import heap


class Ring:
    """Something that only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_is_left_out_of_collections() -> None:
    """The objects that live at the call are searched no more."""
    kept = Ring()
    heap.set_aside()
    assert gc.get_freeze_count() > 0
    assert not any(each is kept for each in gc.get_objects())


def test_what_became_garbage_since_is_freed_by_the_next_call() -> None:
    """A cycle that was set aside while it was in use is not kept for ever."""
    kept = Ring()
    seen = weakref.ref(kept)
    heap.set_aside()
    del kept
    gc.collect()
    assert seen() is not None
    heap.set_aside()
    assert seen() is None
