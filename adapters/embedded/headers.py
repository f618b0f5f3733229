"""Headers that nodes serve: checked against what they call themselves, and joined into evidence.

A light client skips to any header that a third of the set it trusts has signed. Where the set changed too much in
between, the way is halved until every step can be made: pure arithmetic over sets, no signature is looked at here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.contract.errors import EndpointWrong
from adapters.embedded.node import EmbeddedNode
from adapters.embedded.wire import BlockAnswer
from proofs.cometbft import canonical
from proofs.cometbft.bisection import Bisection
from proofs.cometbft.codec import HEADER
from proofs.cometbft.ibc_messages import decode_light_block, encode_client_header
from proofs.cometbft.types import BlockIdFlag, ClientHeader, Header, LightBlock, ValidatorSet
from proofs.encoding.protobuf import decode
from proofs.errors import VerificationError
from proofs.light_client import Height

# A relay that was away while the whole set changed this often needs a newer checkpoint.
STEPS_MAX: Final = 128


def check_header(block: BlockAnswer, *, height: int, chain_id: str, endpoint: str) -> Header:
    """The block is at the height that was asked for, of this ledger, and its hash is that of its header."""
    try:
        header = decode(block.header, HEADER, part="header")
    except VerificationError as refusal:
        raise EndpointWrong(endpoint, "header", got=str(refusal), expected="a header") from refusal
    if (block.height, header.height, header.chain_id) != (height, height, chain_id):
        raise EndpointWrong(
            endpoint, "header", got=f"{header.chain_id} {header.height}", expected=f"{chain_id} {height}"
        )
    if canonical.header_hash(header) != block.hash:
        raise EndpointWrong(endpoint, "block hash", got=block.hash.hex(), expected=canonical.header_hash(header).hex())
    return header


async def steps_between(node: EmbeddedNode, trusted: Height, target: Height, *, chain_id: str) -> Sequence[bytes]:
    """Ordered 07-tendermint headers from `trusted` to `target`; none when it is trusted already."""
    if trusted.number >= target.number:
        return ()
    light_blocks: dict[int, LightBlock] = {}

    async def light_block(number: int) -> LightBlock:
        if number not in light_blocks:
            light_blocks[number] = await fetch_light_block(node, number, chain_id=chain_id)
        return light_blocks[number]

    steps: list[bytes] = []
    way = Bisection.between(trusted.number, target.number)
    while (wanted := way.wanted) is not None:
        following = (await light_block(way.trusted + 1)).validators
        block = await light_block(wanted)
        if wanted != way.trusted + 1 and not is_reachable(following, block):
            way = way.too_far()
            continue
        steps.append(encode_client_header(ClientHeader(block, Height(trusted.revision, way.trusted), following)))
        way = way.accepted()
        if len(steps) > STEPS_MAX:
            raise EndpointWrong(node.name, "evidence", got=len(steps), expected=f"at most {STEPS_MAX} steps")
    return steps


async def fetch_light_block(node: EmbeddedNode, number: int, *, chain_id: str) -> LightBlock:
    encoded = await node.light_block(number)
    try:
        block = decode_light_block(encoded)
    except VerificationError as refusal:
        raise EndpointWrong(node.name, "light block", got=str(refusal), expected="a light block") from refusal
    header = block.signed_header.header
    if (header.height, header.chain_id) != (number, chain_id):
        raise EndpointWrong(
            node.name, "light block", got=f"{header.chain_id} {header.height}", expected=f"{chain_id} {number}"
        )
    return block


def is_reachable(trusted: ValidatorSet, block: LightBlock) -> bool:
    """Whether more than a third of the trusted power has, by what the commit says, signed this block."""
    signers = {
        vote.validator_address for vote in block.signed_header.commit.signatures if vote.flag is BlockIdFlag.COMMIT
    }
    signed = sum(each.power for each in trusted.validators if each.address in signers)
    return signed * 3 > trusted.total_power
