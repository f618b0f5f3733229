"""One difficulty period of Bitcoin headers in one piece of evidence, and a transaction of a block of 2,000."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from proofs.bitcoin.headers import HEADER_BYTES, HEADERS_MAX
from proofs.bitcoin.networks import REGTEST
from tests.bench.measure import Subject
from tests.proofs.bitcoin.builders import (
    client_at,
    coinbase,
    evidence,
    first_block,
    mine,
    now_after,
    transaction,
    world,
)
from tests.proofs.bitcoin.builders import packet_script as packet


def subjects() -> Sequence[Subject]:
    return headers(), inclusion()


def headers() -> Subject:
    start = mine([first_block(REGTEST)], 12)
    chain = mine(start, HEADERS_MAX)
    client = client_at(start)
    data, now = evidence(chain[len(start) :]), now_after(chain)
    pieces = [data[at : at + HEADER_BYTES] for at in range(0, len(data), HEADER_BYTES)]

    def hash_all() -> None:
        for piece in pieces:
            sha256(sha256(piece).digest()).digest()

    return Subject(
        f"{HEADERS_MAX} Bitcoin headers",
        lambda: client.update(data, now=now),
        hash_all,
        f"double SHA-256 of {HEADERS_MAX} headers",
    )


def inclusion() -> Subject:
    others = [transaction(b"\x51" * 30, salt=salt) for salt in range(1_998)]
    carried = [coinbase(13), others[0], transaction(b"\x51", packet(), salt=5_000), *others[1:]]
    built = world(carried, index=2, output=1)
    claims, proof = [built.claim()], built.proof()
    shown = built.transaction_proof()
    pairs = [shown.transaction, *(bytes(64) for _ in shown.branch)]

    def hash_all() -> None:
        for data in pairs:
            sha256(sha256(data).digest()).digest()

    return Subject(
        "Bitcoin packet, block of 2,000 transactions",
        lambda: built.client.check(claims, at=built.at, proof=proof),
        hash_all,
        f"double SHA-256 of the transaction and of {len(pairs) - 1} nodes",
    )
