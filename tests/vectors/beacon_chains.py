"""Beacon chains that only vectors speak of, and a view of a chain for objects that carry beacon headers alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proofs.ethereum.forks import MAINNET_PRESET, Chain, Fork, ForkSchedule

GOERLI: Final = Chain(
    preset=MAINNET_PRESET,
    schedule=ForkSchedule(
        tuple(
            (fork, bytes([fork]) + bytes.fromhex("001020"), epoch)
            for fork, epoch in zip(tuple(Fork)[:5], (0, 36660, 112260, 162304, 231680), strict=True)
        )
    ),
    genesis_validators_root=bytes.fromhex("043db0d9a83813551ee2f33450d23797757d430911a9320530ad8a0eabc43efb"),
    genesis_time=1616508000,
    seconds_per_slot=12,
)


def without_execution(chain: Chain) -> Chain:
    """The same versions at the same epochs, under the rules of altair: for headers sent without execution part.

    Only until electra: then branches change too.
    """
    kept = [entry for entry in chain.schedule.forks if entry[0] < Fork.CAPELLA]
    later = [entry for entry in chain.schedule.forks if Fork.CAPELLA <= entry[0] < Fork.ELECTRA]
    # One fork per epoch of change; their numbers only have to stay below capella's.
    assert len(kept) + len(later) >= 1
    versions = [(version, epoch) for _, version, epoch in (*kept, *later)]
    return replace(chain, schedule=_AltairRules(tuple((Fork.PHASE0, *entry) for entry in versions)))


class _AltairRules(ForkSchedule):
    __slots__ = ()

    def __post_init__(self) -> None:
        """Nothing to check: the rows come from a schedule that was."""

    def at(self, epoch: int) -> tuple[Fork, bytes]:
        _, version = ForkSchedule.at(self, epoch)
        return Fork.ALTAIR, version
