"""What 5 of 7 attestors signed: a state, and a packet of it."""

from __future__ import annotations

from collections.abc import Sequence

import tiny_keccak
from coincurve import PublicKey

from proofs.attestation.spec import TAGGED, Tag, signing_digest
from proofs.light_client import Claim, Height
from tests.bench.measure import Subject, Work
from tests.proofs.attestation.builders import batch, client_of, sign, state

SIGNERS = range(5)
CLAIM = Claim(b"client-0\x01" + bytes(7) + b"\x01", b"\x11" * 32)


def subjects() -> Sequence[Subject]:
    client = client_of(count=7, threshold=5)
    evidence = state(12, 1_005, SIGNERS)
    packet = batch(10, [CLAIM], SIGNERS)
    is_floor = f"{len(SIGNERS)} keys recovered and hashed to addresses"
    return (
        Subject("attested state, 5 of 7", lambda: client.update(evidence, now=0), recover_all(Tag.STATE), is_floor),
        Subject(
            "attested packet, 5 of 7",
            lambda: client.check([CLAIM], at=Height(0, 10), proof=packet),
            recover_all(Tag.PACKET),
            is_floor,
        ),
    )


def recover_all(tag: Tag) -> Work:
    data = bytes(96)
    digest = signing_digest(data, tag=tag, variant=TAGGED)
    signatures = [each[:64] + bytes((each[64] - 27,)) for each in sign(data, SIGNERS, tag=tag).signatures]

    def recover() -> None:
        for each in signatures:
            key = PublicKey.from_signature_and_message(each, digest, hasher=None)
            tiny_keccak.keccak256(key.format(compressed=False)[1:])

    return recover
