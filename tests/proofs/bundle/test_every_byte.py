"""Change any byte of a bundle and write its digest again: it is refused, or its field is listed as uncovered.

The list is exact: every field in it is found by a change that is taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import pytest

from proofs.bundle.format import checkpoint_digest
from proofs.bundle.types import Kind
from proofs.bundle.uncovered import uncovered
from proofs.bundle.verify import verify_bundle
from proofs.chainmaker.evidence import decode_step
from proofs.cometbft.ibc_messages import decode_client_header
from proofs.cometbft.types import SECOND
from proofs.encoding.protobuf import bytes_field, string_field, varint, varint_field
from proofs.errors import RootMismatch, VerificationError
from proofs.primitives.hashing import sha256
from tests.proofs.bundle.samples import FAMILIES, PACKET, PAYLOAD, Sample, attestation

DIGEST_BYTES = 32
# Slow ones are sampled; CAUSEWAY_EVERY_BYTE=1 leaves nothing out.
EVERY_BYTE = bool(os.environ.get("CAUSEWAY_EVERY_BYTE"))
STRIDES = {"chainmaker": 7, "clique": 7, "ethereum": 7, "fabric": 31}
Range = range
Places = Mapping[str, list[Range]]


def changed(encoded: bytes, place: int, mask: int) -> bytes:
    content = bytearray(encoded[:-DIGEST_BYTES])
    content[place] ^= mask
    return bytes(content) + sha256(bytes(content))


def taken(sample: Sample, places: Sequence[int], *, mask: int = 1) -> list[int]:
    """Where a changed byte makes no difference to someone who holds the checkpoint."""
    encoded, found = sample.encoded, []
    held = checkpoint_digest(sample.bundle.checkpoint)
    for place in places:
        try:
            verify_bundle(changed(encoded, place, mask), held=held, now=sample.now)
        except VerificationError:
            continue
        found.append(place)
    return found


def every(encoded: bytes, family: str = "") -> Range:
    stride = 1 if EVERY_BYTE else STRIDES.get(family, 1)
    return range(0, len(encoded) - DIGEST_BYTES, stride)


def where(encoded: bytes, part: bytes, *, after: bytes = b"") -> list[Range]:
    """Every place of `part` that follows `after`."""
    assert len(after + part) >= 6, "too short to be found for sure"
    found, at = [], encoded.find(after + part)
    while at >= 0:
        found.append(range(at + len(after), at + len(after) + len(part)))
        at = encoded.find(after + part, at + 1)
    assert found
    return found


@cache
def made(family: str) -> Sample:
    return FAMILIES[family]()


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_changed_byte_is_refused_by_the_digest(family: str) -> None:
    encoded, sample = made(family).encoded, made(family)
    for place in range(25, len(encoded), max(1, len(encoded) // 200)):
        broken = encoded[:place] + bytes([encoded[place] ^ 1]) + encoded[place + 1 :]
        with pytest.raises(RootMismatch) as refused:
            verify_bundle(broken, held=None, now=sample.now)
        assert refused.value.part == "digest of the file"


@pytest.mark.parametrize(
    "family", ("attestation", "clique", "ethereum", "fabric", "qbft", "substrate", "substrate-beefy")
)
def test_every_byte_of_these_families_is_covered(family: str) -> None:
    sample = made(family)
    assert uncovered(family, Kind.RECEIVE) == ()
    for mask in (1, 0x80) if EVERY_BYTE else (1,):
        assert taken(sample, every(sample.encoded, family), mask=mask) == []


def cometbft_places(sample: Sample) -> Places:
    """Four of equal power: three are enough, so any one may be void, and the last is not looked at."""
    encoded = sample.encoded
    votes: list[Range] = []
    for step in map(decode_client_header, sample.bundle.evidence):
        signatures = step.block.signed_header.commit.signatures
        for vote in signatures:
            rest = b"\x12\x14" + vote.validator_address
            votes += [range(each.start - 1, each.start) for each in where(encoded, rest, after=b"\x08\x02")]
        last = signatures[-1]
        seconds, nanos = divmod(last.time, SECOND)
        votes += where(encoded, last.validator_address, after=b"\x08\x02\x12\x14")
        votes += where(encoded, varint_field(1, seconds) + varint_field(2, nanos))
        votes += where(encoded, last.signature)
    proposer = decode_client_header(sample.bundle.evidence[0]).block.validators.proposer
    assert proposer is not None
    message = (
        bytes_field(1, proposer.address)
        + bytes_field(2, bytes_field(1, proposer.public_key.data))
        + varint_field(3, 10)
    )
    return {
        "evidence: votes that are not needed": votes,
        "evidence: proposer of a validator set": where(encoded, message, after=b"\x12" + varint(len(message))),
    }


def chainmaker_places(sample: Sample) -> Places:
    """Four of one vote each: three are enough, so any one may be for another block, and the last is not looked at."""
    encoded = sample.encoded
    (step,) = map(decode_step, sample.bundle.evidence)
    vote_set = step.blocks[-1].votes
    assert vote_set is not None
    last_key, last = vote_set.votes[-1]
    votes = where(encoded, last.hash, after=b"\x2a\x20") + where(encoded, last.encoded)
    votes += where(encoded, last_key.encode(), after=b"\x0a\x2e")
    return {
        "evidence, proof: gas used by a transaction": [
            # Of the transaction that the block begins with, and of the one that the proof shows.
            *where(encoded, varint(501), after=b'unread"\x27\x12\x03\x20'),
            *where(encoded, varint(510), after=b"unread\x22\xc6\x04\x12\xa1\x04\x20"),
        ],
        "evidence: votes that are not needed": votes,
    }


def bitcoin_places(sample: Sample) -> Places:
    return {"evidence: the last header": where(sample.encoded, sample.bundle.evidence[-1][-80:])}


def fisco_bcos_places(sample: Sample) -> Places:
    return {"proof: fields of later transaction versions": where(sample.encoded, b"\x80" * 6, after=b"\x00\x80")}


PLACES: dict[str, Callable[[Sample], Places]] = {
    "bitcoin": bitcoin_places,
    "chainmaker": chainmaker_places,
    "cometbft": cometbft_places,
    "fisco-bcos": fisco_bcos_places,
}


@pytest.mark.parametrize("family", sorted(PLACES))
def test_the_list_of_uncovered_fields_is_exact(family: str) -> None:
    sample = made(family)
    places = PLACES[family](sample)
    listed = [place for ranges in places.values() for each in ranges for place in each]
    tried = sorted({*every(sample.encoded, family), *listed})
    found = {*taken(sample, tried), *taken(sample, tried, mask=0x80)}
    assert sorted(places) == sorted(each.field for each in uncovered(family, Kind.RECEIVE))
    assert found <= set(listed)
    for field, ranges in places.items():
        assert any(place in each for place in found for each in ranges), f"{field} is covered after all"


KINDS: dict[Kind, Callable[[Sample], Places]] = {
    Kind.ACKNOWLEDGE: lambda sample: {
        "packet.source_client": where(sample.encoded, PACKET.source_client.encode()),
        "packet.timeout_timestamp": where(sample.encoded, varint(PACKET.timeout), after=b"\x20"),
        "packet.payloads": where(sample.encoded, encode_payload()),
    },
}
KINDS[Kind.TIMEOUT] = KINDS[Kind.ACKNOWLEDGE]


def encode_payload() -> bytes:
    texts = (PAYLOAD.source_port, PAYLOAD.dest_port, PAYLOAD.version, PAYLOAD.encoding)
    fields = b"".join(string_field(number, text) for number, text in enumerate(texts, 1))
    return fields + bytes_field(5, PAYLOAD.value)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_of_the_packet_only_what_its_paths_hold_is_covered_when_it_was_received_or_not(kind: Kind) -> None:
    sample = attestation(kind)
    places = KINDS[kind](sample)
    masks = (1, 2, 0x80)
    found = {place for mask in masks for place in taken(sample, every(sample.encoded), mask=mask)}
    assert sorted(places) == sorted(each.field for each in uncovered("attestation", kind))
    assert found <= {place for ranges in places.values() for each in ranges for place in each}
    for field, ranges in places.items():
        assert any(place in each for place in found for each in ranges), f"{field} is covered after all"
