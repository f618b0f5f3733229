"""How a block is believed: linked to a believed one, and signed by enough of its own and of the known sealers.

A step is a run of headers without gaps, the first of which builds on a believed block; only the last is signed. The
hash links make the others its ancestors, which whoever signed the last has accepted. They also keep groups apart: one
set of nodes seals many groups, and no header names its own, so nothing is ever skipped.

No header commits to the sealers of the next. A list in a header is believed when the quorum of that list signed it
*and* more than a third of the weight of the known sealers did: one of them is honest, and signs only with successors
that his own node has. After a larger change, take a shorter step (NotEnoughTrust), or a new checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import LimitExceeded
from proofs.fisco_bcos import predicates as rules
from proofs.fisco_bcos.headers import Header, read_header
from proofs.fisco_bcos.suite import verify_seal
from proofs.fisco_bcos.types import Block, Parameters, SealerSet, SealerSignature, Suite

# 128 headers of 4 sealers take 120 KiB; the largest possible ones 2 MiB, which is then several steps.
EVIDENCE_BYTES_MAX: Final = 1 << 20
# 128 headers of 60 sealers and their weights; steps of more sealers have to be shorter.
_ITEMS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Step:
    """signatures: over the hash of the last header."""

    headers: tuple[Header, ...]
    signatures: tuple[SealerSignature, ...]


def encode_step(step: Step) -> bytes:
    signatures = [[rlp.int_bytes(each.index), each.signature] for each in step.signatures]
    return rlp.encode([[each.items() for each in step.headers], signatures])


def decode_step(evidence: bytes, parameters: Parameters) -> Step:
    """Raises MalformedProof, LimitExceeded."""
    check_evidence_size(evidence)
    headers, signatures = rlp.as_list(rlp.decode(evidence, depth_limit=5, item_limit=_ITEMS_MAX), "evidence", count=2)
    listed = rlp.as_list(headers, "headers")
    rules.check_headers_count(len(listed))
    signed = tuple(_read_signature(each) for each in rlp.as_list(signatures, "signatures"))
    return Step(tuple(read_header(each, parameters) for each in listed), signed)


def check_evidence_size(evidence: bytes) -> None:
    """Before it is read: longer ways are several steps."""
    if len(evidence) > EVIDENCE_BYTES_MAX:
        raise LimitExceeded("evidence", got=len(evidence), limit=EVIDENCE_BYTES_MAX)


def verify_step(trusted: Block, step: Step, parameters: Parameters, *, now: int) -> tuple[Block, ...]:
    """Return the blocks that the step makes final. Raises VerificationError."""
    blocks = []
    parent = trusted
    for header in step.headers:
        block = header.block(parameters.suite)
        rules.check_number_follows(block.number, parent=parent.number)
        rules.check_parent_hash(block, parent.hash)
        rules.check_time_order(block.time_ms, parent_ms=parent.time_ms)
        blocks.append(block)
        parent = block
    rules.check_not_from_future(parent.time_ms, now=now, drift=parameters.clock_drift)
    verify_signatures(parent, step.signatures, parameters.suite, trusted=trusted.sealers)
    return tuple(blocks)


def verify_checkpoint(step: Step, parameters: Parameters, *, checkpoint_hash: bytes) -> Block:
    """Believe a block because an operator named its hash. That its own sealers signed it is checked all the same."""
    rules.check_checkpoint_is_alone(len(step.headers))
    header = step.headers[0]
    rules.check_checkpoint_is_sealed(header.number)
    block = header.block(parameters.suite)
    rules.check_checkpoint(block, checkpoint_hash)
    verify_signatures(block, step.signatures, parameters.suite, trusted=block.sealers)
    return block


def verify_signatures(block: Block, signatures: Sequence[SealerSignature], suite: Suite, *, trusted: SealerSet) -> None:
    """Stops as soon as both sets have signed enough: what follows cannot change the answer."""
    sealers = block.sealers
    _check_indexes(signatures, sealers)
    known = dict(zip(trusted.keys, trusted.weights, strict=True))
    total, trusted_total = sealers.total_weight, trusted.total_weight
    signed = trusted_signed = 0
    for each in signatures:
        key = sealers.keys[each.index]
        verify_seal(suite, block.hash, each.signature, sealer=key)
        signed += sealers.weights[each.index]
        trusted_signed += known.get(key, 0)
        if signed >= total - (total - 1) // 3 and trusted_signed > (trusted_total - 1) // 3:
            return
    rules.check_quorum(signed=signed, total=total)
    rules.check_trust(signed=trusted_signed, total=trusted_total)


def _check_indexes(signatures: Sequence[SealerSignature], sealers: SealerSet) -> None:
    rules.check_signatures_count(signatures, sealers)
    counted: set[int] = set()
    for each in signatures:
        rules.check_signer_index(each.index, sealers)
        rules.check_not_counted_before(each.index, counted, sealers)
        counted.add(each.index)


def _read_signature(item: Item) -> SealerSignature:
    index, signature = rlp.as_list(item, "signature", count=2)
    return SealerSignature(rlp.as_int(index, "sealer index", bits=64), rlp.as_bytes(signature, "signature"))
