"""What a light client step costs beside its signatures: `python -m tests.bench.cometbft [VALIDATORS]`.

A commit of 150 validators needs 101 signatures. Printed is processor time, the best of several rounds, so that other
work on the machine disturbs little.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import process_time

from proofs.cometbft import canonical, spec
from proofs.cometbft.belief import KnownHeight
from proofs.cometbft.client import CometBftClient
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import decode_client_header, encode_client_header
from proofs.primitives import ed25519
from tests.proofs.cometbft.builders import CHAIN_ID, PARAMETERS, START, block, header, members, step

ROUNDS = 30


def main(validators: int = 150) -> None:
    committee = members(*(f"validator {number}" for number in range(validators)))
    first = block(header(1, committee), committee)
    known = KnownHeight(1, spec.consensus_state(first.signed_header))
    client = CometBftClient(CHAIN_ID, PARAMETERS, HostLayout(), (known,))
    evidence = encode_client_header(step(block(header(5, committee), committee), trusted=committee))

    decoded = decode_client_header(evidence)
    commit = decoded.block.signed_header.commit
    votes = canonical.CommitVotes(CHAIN_ID, commit)
    counted = validators * 2 // 3 + 1
    signed = [
        (validator.public_key.data, votes.sign_bytes(vote), vote.signature)
        for vote, validator in zip(commit.signatures[:counted], decoded.block.validators.validators, strict=False)
    ]
    whole = best_of(partial(client.update, evidence, now=START + 1000))
    signatures = best_of(partial(verify_all, signed))
    print(f"{validators} validators, {len(evidence)} bytes of evidence")
    print(f"  update                {whole:7.2f} ms")
    print(f"  {counted} signatures alone  {signatures:7.2f} ms")
    print(f"  decoding alone        {best_of(partial(decode_client_header, evidence)):7.2f} ms")
    print(f"  update / signatures   {whole / signatures:7.2f}")


def verify_all(signed: list[tuple[bytes, bytes, bytes]]) -> None:
    for key, message, signature in signed:
        assert ed25519.verify(key, message, signature)


def best_of(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    times = []
    for _ in range(ROUNDS):
        before = process_time()
        work()
        times.append(process_time() - before)
    return min(times) * 1000


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]))
