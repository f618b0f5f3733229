"""Which rules hold when: the forks of a beacon chain, its preset sizes, its signing domains.

Source: consensus-specs, configs/{mainnet,minimal}.yaml, presets/{mainnet,minimal}/altair.yaml,
specs/phase0/beacon-chain.md (`compute_domain`, `compute_fork_data_root`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from itertools import pairwise
from typing import Final

from proofs.errors import MalformedProof

DOMAIN_SYNC_COMMITTEE: Final = bytes.fromhex("07000000")

# Mainnet has 32, 256, 512 and 8,192; a committee of so many keys would still be summed in milliseconds.
_PRESET_SIZE_MAX: Final = 8192


class Fork(IntEnum):
    """In the order of time. The number is also the fork's byte in our evidence."""

    PHASE0 = 0
    ALTAIR = 1
    BELLATRIX = 2
    CAPELLA = 3
    DENEB = 4
    ELECTRA = 5
    FULU = 6


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes that are compiled into a chain."""

    slots_per_epoch: int
    epochs_per_sync_committee_period: int
    sync_committee_size: int
    slots_per_historical_root: int

    def __post_init__(self) -> None:
        check_preset(self)

    @property
    def slots_per_period(self) -> int:
        return self.slots_per_epoch * self.epochs_per_sync_committee_period


def check_preset(preset: Preset) -> None:
    """Nothing is zero, and a committee is one that we are willing to sum up. Raises MalformedProof."""
    sizes = (
        preset.slots_per_epoch,
        preset.epochs_per_sync_committee_period,
        preset.sync_committee_size,
        preset.slots_per_historical_root,
    )
    if min(sizes) < 1 or max(sizes) > _PRESET_SIZE_MAX:
        raise MalformedProof("preset", got=sizes, expected=f"1 to {_PRESET_SIZE_MAX}")


MAINNET_PRESET: Final = Preset(32, 256, 512, 8192)
MINIMAL_PRESET: Final = Preset(8, 8, 32, 64)


@dataclass(frozen=True, slots=True)
class ForkSchedule:
    """`forks`: (fork, its 4-byte version, its first epoch), oldest first, beginning with PHASE0 at epoch 0."""

    forks: tuple[tuple[Fork, bytes, int], ...]

    def __post_init__(self) -> None:
        check_fork_order(self.forks)

    def at(self, epoch: int) -> tuple[Fork, bytes]:
        """Return the fork in force and its version. Forks that begin together: the newest counts."""
        fork, version, _ = next(entry for entry in reversed(self.forks) if epoch >= entry[2])
        return fork, version


def check_fork_order(forks: Sequence[tuple[Fork, bytes, int]]) -> None:
    """Genesis first, at epoch 0; every fork once, none before an older one. Raises MalformedProof."""
    if not forks or (forks[0][0], forks[0][2]) != (Fork.PHASE0, 0):
        raise MalformedProof("fork schedule", got=forks[:1], expected="phase0 at epoch 0 first")
    for (older, _, before), (newer, _, after) in pairwise(forks):
        if newer <= older or after < before:
            raise MalformedProof("fork schedule", got=newer.name.lower(), expected=f"after {older.name.lower()}")


@dataclass(frozen=True, slots=True)
class Chain:
    """One beacon chain: everything that tells its signatures from those of another."""

    preset: Preset
    schedule: ForkSchedule
    genesis_validators_root: bytes
    genesis_time: int
    seconds_per_slot: int

    def __post_init__(self) -> None:
        if self.seconds_per_slot < 1:
            raise MalformedProof("seconds per slot", got=self.seconds_per_slot, expected="at least 1")

    def epoch_at(self, slot: int) -> int:
        return slot // self.preset.slots_per_epoch

    def period_at(self, slot: int) -> int:
        return slot // self.preset.slots_per_period

    def batch_at(self, slot: int) -> int:
        """Return which batch of block roots `slot` is in: a historical root or summary covers one."""
        return slot // self.preset.slots_per_historical_root

    def fork_at(self, slot: int) -> Fork:
        return self.schedule.at(self.epoch_at(slot))[0]

    def time_at(self, slot: int) -> int:
        return self.genesis_time + slot * self.seconds_per_slot

    def slot_at(self, time: int) -> int:
        """Return the slot at unix second `time`; -1 before genesis, when nothing can have been signed."""
        return max((time - self.genesis_time) // self.seconds_per_slot, -1)

    def sync_committee_domain(self, signature_slot: int) -> bytes:
        """The committee signs under the version of the slot *before* the block that carries its signature."""
        _, version = self.schedule.at(self.epoch_at(max(signature_slot, 1) - 1))
        return compute_domain(DOMAIN_SYNC_COMMITTEE, version, self.genesis_validators_root)


def compute_fork_data_root(version: bytes, genesis_validators_root: bytes) -> bytes:
    return sha256(version.ljust(32, b"\0") + genesis_validators_root).digest()


def compute_domain(domain_type: bytes, version: bytes, genesis_validators_root: bytes) -> bytes:
    return domain_type + compute_fork_data_root(version, genesis_validators_root)[:28]


def compute_fork_digest(version: bytes, genesis_validators_root: bytes) -> bytes:
    """The 4 bytes that name a fork on the wire, as until electra: fulu mixes its blob schedule in."""
    return compute_fork_data_root(version, genesis_validators_root)[:4]


def _versions(versions: tuple[str, ...], epochs: tuple[int, ...]) -> ForkSchedule:
    return ForkSchedule(tuple(zip(Fork, map(bytes.fromhex, versions), epochs, strict=True)))


MAINNET: Final = Chain(
    preset=MAINNET_PRESET,
    schedule=_versions(
        ("00000000", "01000000", "02000000", "03000000", "04000000", "05000000", "06000000"),
        (0, 74240, 144896, 194048, 269568, 364032, 411392),
    ),
    genesis_validators_root=bytes.fromhex("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"),
    genesis_time=1606824023,
    seconds_per_slot=12,
)
SEPOLIA: Final = Chain(
    preset=MAINNET_PRESET,
    schedule=_versions(
        ("90000069", "90000070", "90000071", "90000072", "90000073", "90000074", "90000075"),
        (0, 50, 100, 56832, 132608, 222464, 272640),
    ),
    genesis_validators_root=bytes.fromhex("d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078"),
    genesis_time=1655733600,
    seconds_per_slot=12,
)
