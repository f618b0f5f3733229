"""A store of the sync protocol and the evidence offered to it in order: what case N is judged on is what N-1 left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proofs.ethereum import spec
from proofs.ethereum.containers import beacon_root, containers_of
from proofs.ethereum.evidence import EvidenceKind, decode_bootstrap, decode_evidence, encode_evidence
from proofs.ethereum.forks import Chain, Fork
from tests.vectors.beacon_json import number, ssz_of

# Long after every signature slot of every file, and before the "far future" of the mutations.
LATER_SLOT = 1 << 31


@dataclass
class Trail:
    """Objects of one attested slot are judged side by side: one file's update may be another's in another encoding."""

    chain: Chain
    start: Callable[[], spec.Store]
    evidence: list[tuple[bytes, int]] = field(default_factory=list)
    stores: dict[int, spec.Store] = field(default_factory=dict)
    _slots: dict[int, int] = field(default_factory=dict)

    def offer(self, evidence: bytes, *, slot: int | None = None) -> Callable[[], None]:
        """Return the judgement of `evidence` after all that was offered before it (for an earlier slot, if told)."""
        count = len(self.evidence) + 1
        before = count - 1 if slot is None else self._slots.setdefault(slot, count - 1)
        self.evidence.append((evidence, before))
        return lambda: self._judge(count)

    def _judge(self, count: int) -> None:
        evidence, before = self.evidence[count - 1]
        update = decode_evidence(evidence, self.chain)
        spec.process_update(self.store_after(before), update, self.chain, current_slot=LATER_SLOT)

    def store_after(self, count: int) -> spec.Store:
        """After a side-by-side object the store is what the first of its slot left."""
        if count not in self.stores:
            if count == 0:
                self.stores[0] = self.start()
            else:
                evidence, before = self.evidence[count - 1]
                if before < count - 1:
                    self.stores[count] = self.store_after(count - 1)
                else:
                    update = decode_evidence(evidence, self.chain)
                    store = self.store_after(before)
                    self.stores[count] = spec.process_update(store, update, self.chain, current_slot=LATER_SLOT)
        return self.stores[count]


def start_from(ssz: bytes, fork: Fork, chain: Chain) -> spec.Store:
    """The suites name no trusted roots: the bootstrap's own is taken, as if an operator had configured it."""
    bootstrap = decode_bootstrap(ssz, fork, chain)
    return spec.initialize(bootstrap, chain, trusted_block_root=beacon_root(bootstrap.header))


def kind_of(given: dict[str, Any]) -> EvidenceKind:
    if given.get("next_sync_committee"):
        return EvidenceKind.UPDATE
    return EvidenceKind.FINALITY_UPDATE if given.get("finalized_header") else EvidenceKind.OPTIMISTIC_UPDATE


def slot_of(header: dict[str, Any]) -> int:
    return number(header.get("beacon", header)["slot"])


def evidence_of(given: dict[str, Any], chain: Chain) -> bytes:
    """From the JSON of a beacon node to our evidence."""
    fork = chain.fork_at(slot_of(given["attested_header"]))
    containers, kind = containers_of(fork, chain.preset), kind_of(given)
    container = {
        EvidenceKind.UPDATE: containers.update,
        EvidenceKind.FINALITY_UPDATE: containers.finality_update,
        EvidenceKind.OPTIMISTIC_UPDATE: containers.optimistic_update,
    }[kind]
    return encode_evidence(kind, fork, ssz_of(container, given))


def bootstrap_of(given: dict[str, Any], chain: Chain) -> tuple[bytes, Fork]:
    fork = chain.fork_at(slot_of(given["header"]))
    return ssz_of(containers_of(fork, chain.preset).bootstrap, given), fork
