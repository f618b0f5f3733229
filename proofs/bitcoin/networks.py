"""The networks and their rules of difficulty, as data.

Signet is absent on purpose: its blocks are made by signature, its work is next to nothing, and the signatures are in
coinbase transactions, where headers do not show them.

Source: Bitcoin Core chainparams.cpp; BIP 34, 65, 66 (versions), BIP 94 (testnet4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.errors import UnsupportedProof

_TWO_WEEKS_OF_BLOCKS: Final = 2016
_TEN_MINUTES: Final = 600


@dataclass(frozen=True, slots=True)
class Network:
    """The rules by which blocks of one network are judged.

    pow_limit:          the easiest target.
    retargets:          whether difficulty follows time at all.
    min_difficulty:     a block that comes after twice the spacing may have the easiest target (test networks).
    retarget_on_first:  the next target starts from the first block of a period, not from the last (BIP 94).
    timewarp_grace:     seconds by which the first block of a period may lie before its parent; None: any (BIP 94, 54).
    ordered_periods:    whether the last block of a period may not lie before the first (BIP 54, active nowhere yet).
    version_heights:    (version, height): from this height on no lower version is valid.
    """

    name: str
    genesis_hash: bytes
    pow_limit: int
    retargets: bool = True
    min_difficulty: bool = False
    retarget_on_first: bool = False
    timewarp_grace: int | None = None
    ordered_periods: bool = False
    version_heights: tuple[tuple[int, int], ...] = ()
    period: int = _TWO_WEEKS_OF_BLOCKS
    spacing: int = _TEN_MINUTES

    @property
    def timespan(self) -> int:
        """Seconds that a period should take."""
        return self.period * self.spacing


def _hash(text: str) -> bytes:
    """From the order in which hashes are written to that of the wire."""
    return bytes.fromhex(text)[::-1]


MAINNET: Final = Network(
    name="mainnet",
    genesis_hash=_hash("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"),
    pow_limit=(1 << 224) - 1,
    version_heights=((2, 227_931), (3, 363_725), (4, 388_381)),
)
TESTNET3: Final = Network(
    name="testnet3",
    genesis_hash=_hash("000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"),
    pow_limit=(1 << 224) - 1,
    min_difficulty=True,
    version_heights=((2, 21_111), (3, 330_776), (4, 581_885)),
)
TESTNET4: Final = Network(
    name="testnet4",
    genesis_hash=_hash("00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"),
    pow_limit=(1 << 224) - 1,
    min_difficulty=True,
    retarget_on_first=True,
    timewarp_grace=_TEN_MINUTES,
    version_heights=((4, 1),),
)
REGTEST: Final = Network(
    name="regtest",
    genesis_hash=_hash("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"),
    pow_limit=(1 << 255) - 1,
    retargets=False,
    min_difficulty=True,
    version_heights=((4, 1),),
)

NETWORKS: Final = {each.name: each for each in (MAINNET, TESTNET3, TESTNET4, REGTEST)}


def network_named(name: str) -> Network:
    """Raises UnsupportedProof."""
    network = NETWORKS.get(name)
    if network is None:
        raise UnsupportedProof("bitcoin network", got=name, expected=", ".join(NETWORKS))
    return network
