"""How much work an analysis may cost. Past the bound the answer is unknown, never a no."""


class Exhausted(Exception):  # noqa: N818 - not a failure: the honest way out of a search that costs too much
    """The work allowed for one question is used up: the answer is unknown."""


class Budget:
    """How much work an analysis may still cost, in units of a few microseconds."""

    __slots__ = ("left",)

    def __init__(self, left: float) -> None:
        self.left = left

    def spend(self, amount: float = 1) -> None:
        """Take `amount` off; raises Exhausted when nothing is left."""
        self.left -= amount
        if self.left < 0:
            raise Exhausted
