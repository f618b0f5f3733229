"""One path, height, client and value, proved for another channel, chaincode, revision or height: refused by name.

One ordering service signs all its channels with the same keys, and no header names its channel: transactions do.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.errors import MalformedProof, RootMismatch, UnknownHeight, ValueMismatch, WrongLedger
from proofs.fabric import hashing
from proofs.fabric.block_messages import Block
from proofs.fabric.client import FabricClient, bootstrap
from proofs.fabric.config_messages import Role
from proofs.fabric.host import HostLayout
from proofs.fabric.types import Parameters
from proofs.light_client import Claim, ClientState, Height, Position
from tests.proofs.fabric.builders import (
    CHAINCODE,
    CHANNEL,
    ORDERERS,
    Call,
    Channel,
    encoded,
    following,
    genesis,
    proof,
    query,
    signed,
    started,
)

ORDERER = ORDERERS.member(Role.ORDERER)
PATH, VALUE = b"lane-0\x01\xff", b"v" * 32
CALL = Call(writes=(("ibc/" + PATH.hex(), VALUE),))
AT = Height(0, 1)
CLAIM = Claim(PATH, VALUE, Position(AT, 0, 0))


def made(call: Call = CALL, before: Block | None = None) -> Block:
    """The next block of a channel that the orderers of all channels signed."""
    return signed(following(before or genesis(), [call.envelope()]), 0, [ORDERER])


def shown(block: Block, **changes: object) -> bytes:
    return proof(block, [query(block, b"\x00", **changes).answer()])


BLOCK = made()
SECOND = made(replace(CALL, nonce=b"second"), BLOCK)
ELSEWHERE = made(replace(CALL, channel_id="other"))


def believing(*blocks: Block, host: HostLayout | None = None) -> FabricClient:
    client = replace(started(), host=host or HostLayout(CHAINCODE))
    for block in blocks:
        client = client.update(encoded(block), now=0)
    return client


def test_the_honest_proofs_pass() -> None:
    client = believing(BLOCK, SECOND)
    client.check([CLAIM], at=AT, proof=shown(BLOCK))
    later = replace(CLAIM, written=Position(Height(0, 2), 0, 0))
    client.check([later], at=Height(0, 2), proof=shown(SECOND))


# --- another channel of the same ordering service


def test_a_block_of_another_channel_with_the_same_orderers() -> None:
    with pytest.raises(WrongLedger) as refused:
        believing(ELSEWHERE)
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("channel id", "other", CHANNEL)


def test_a_bare_header_of_another_channel_with_the_same_orderers() -> None:
    """Its signatures are good, and nothing in it speaks of a channel."""
    for block in (ELSEWHERE, BLOCK):
        with pytest.raises(MalformedProof) as refused:
            started().update(encoded(block, with_envelopes=False), now=0)
        assert (refused.value.part, refused.value.got) == ("block data", 0)


def test_a_bare_header_of_another_channel_freezes_nobody() -> None:
    """Each channel has a block of this number: that is no contradiction."""
    with pytest.raises(MalformedProof) as refused:
        believing(BLOCK).update(encoded(ELSEWHERE, with_envelopes=False), now=0)
    assert refused.value.part == "block data"
    own = made(replace(CALL, nonce=b"other"))
    assert believing(BLOCK).update(encoded(own), now=0).status(0).state is ClientState.FROZEN


def test_blocks_of_two_channels_convict_nobody() -> None:
    with pytest.raises(WrongLedger) as refused:
        started().misbehaviour(encoded(BLOCK), encoded(ELSEWHERE), now=0)
    assert refused.value.part == "channel id"
    bare = (encoded(each, with_envelopes=False) for each in (BLOCK, ELSEWHERE))
    with pytest.raises(MalformedProof) as malformed:
        started().misbehaviour(*bare, now=0)
    assert malformed.value.part == "block data"


def test_a_checkpoint_of_another_channel() -> None:
    for parameters, block in (
        (Parameters(CHANNEL), genesis(Channel(channel_id="other"))),
        (Parameters("x"), genesis()),
    ):
        with pytest.raises(WrongLedger) as refused:
            bootstrap(
                encoded(block),
                header_hash=hashing.header_hash(block.header),
                parameters=parameters,
                host=HostLayout(CHAINCODE),
            )
        assert (refused.value.part, refused.value.expected) == ("channel id", parameters.channel_id)


def test_a_configuration_of_another_channel() -> None:
    other = signed(following(genesis(), [Channel(1, channel_id="other").envelope()]), 1, [ORDERER])
    with pytest.raises(WrongLedger) as refused:
        believing(other)
    assert (refused.value.part, refused.value.got) == ("channel id", "other")


def test_a_proof_of_another_channel_at_the_same_place() -> None:
    with pytest.raises(RootMismatch) as refused:
        believing(BLOCK).check([CLAIM], at=AT, proof=shown(ELSEWHERE, channel_id="other"))
    assert refused.value.part == "data hash"


def test_peers_that_vouch_for_a_block_of_another_channel() -> None:
    """The header fits, as somebody could copy it: the question and its header name the channel."""
    asked = (b"GetBlockByNumber", b"other", b"1")
    with pytest.raises(WrongLedger) as refused:
        believing(BLOCK).check([CLAIM], at=AT, proof=shown(BLOCK, channel_id="other"))
    assert (refused.value.part, refused.value.got) == ("channel id", "other")
    with pytest.raises(ValueMismatch) as mismatch:
        believing(BLOCK).check([CLAIM], at=AT, proof=shown(BLOCK, arguments=asked))
    assert mismatch.value.part == "vouching question"


# --- another host on the same channel


def test_a_write_of_another_chaincode() -> None:
    elsewhere = believing(BLOCK, host=HostLayout("elsewhere"))
    with pytest.raises(ValueMismatch) as refused:
        elsewhere.check([CLAIM], at=AT, proof=shown(BLOCK))
    assert (refused.value.part, refused.value.expected) == ("namespace", "elsewhere")


def test_a_write_under_another_prefix_of_the_chaincode() -> None:
    elsewhere = believing(BLOCK, host=HostLayout(CHAINCODE, values="ibc2/"))
    with pytest.raises(ValueMismatch) as refused:
        elsewhere.check([CLAIM], at=AT, proof=shown(BLOCK))
    assert (refused.value.part, refused.value.expected) == ("write", "ibc2/" + PATH.hex())


# --- another revision or height


def test_a_proof_at_another_revision() -> None:
    with pytest.raises(WrongLedger) as refused:
        believing(BLOCK).check([CLAIM], at=Height(1, 1), proof=shown(BLOCK))
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", 1, 0)


@pytest.mark.parametrize("number", (0, 2), ids=("below", "above"))
def test_a_proof_off_by_one_height(number: int) -> None:
    client = believing(BLOCK, SECOND)
    with pytest.raises(ValueMismatch) as refused:
        client.check([CLAIM], at=Height(0, number), proof=shown(BLOCK))
    assert refused.value.part == "claim height"
    moved = replace(CLAIM, written=Position(Height(0, number), 0, 0))
    with pytest.raises(RootMismatch) as root:
        client.check([moved], at=Height(0, number), proof=shown(BLOCK))
    assert root.value.part == "data hash"


def test_a_proof_at_a_height_that_nobody_showed() -> None:
    with pytest.raises(UnknownHeight) as refused:
        believing(BLOCK).check([CLAIM], at=Height(0, 2), proof=shown(SECOND))
    assert refused.value.number == 2
