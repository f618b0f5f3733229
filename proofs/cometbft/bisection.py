"""Which block to try next on the way from a trusted height to a wanted one.

Skip as far as possible first. Where too little of the trusted set signed to skip (NotEnoughTrust), try half the way,
and so on; the neighbour always works, as its set was announced. Who fetches the blocks is not said here:

    >>> way = Bisection.between(1, 9)
    >>> way.wanted
    9
    >>> way.too_far().wanted
    5
    >>> way.too_far().accepted().wanted
    9

Source: CometBFT spec/light-client/verification, LCV-FUNC-MAIN.2, and light/client.go, verifySkipping.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import HeightNotIncreasing


@dataclass(frozen=True, slots=True)
class Bisection:
    """trusted: the height reached. pending: heights still to reach, the next one last; empty when done."""

    trusted: int
    pending: tuple[int, ...]

    @staticmethod
    def between(trusted: int, target: int) -> Bisection:
        """Raises HeightNotIncreasing."""
        if target <= trusted:
            raise HeightNotIncreasing(got=target, trusted=trusted)
        return Bisection(trusted, (target,))

    @property
    def wanted(self) -> int | None:
        """The height to verify next from `trusted`, None at the end."""
        return self.pending[-1] if self.pending else None

    def accepted(self) -> Bisection:
        """The wanted block was verified: go on from there."""
        return Bisection(self.pending[-1], self.pending[:-1])

    def too_far(self) -> Bisection:
        """The wanted block was NotEnoughTrust: try half the way. Halving ends after 64 times at the latest."""
        middle = (self.trusted + self.pending[-1]) // 2
        assert middle > self.trusted, "the next block needs no trust in the sets before it"
        return Bisection(self.trusted, (*self.pending, middle))
