"""The client as the relay, an attestor and a host of our own use it: start, update, check, freeze, store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.cometbft import canonical
from proofs.cometbft.belief import CONSENSUS_STATES_MAX, Belief, encode_belief
from proofs.cometbft.client import CometBftClient, bootstrap, decode_client
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_client_header, encode_consensus_state, encode_light_block
from proofs.cometbft.types import SECOND, LightBlock
from proofs.commitment import ClientId, commitment_path, receipt_path, send_counter_path
from proofs.encoding.proof_batch import join_batch
from proofs.encoding.protobuf import message_field, repeated_bytes_field, varint_field
from proofs.errors import (
    ClientFrozen,
    HeightNotIncreasing,
    InvalidProof,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import Claim, ClientState, Height
from tests.proofs.cometbft.builders import (
    CHAIN_ID,
    DAY,
    PARAMETERS,
    START,
    block,
    header,
    members,
    step,
)
from tests.proofs.cometbft.stores import Store

NOW = START + 2000
CLIENT = ClientId("07-tendermint-0")
PATH = commitment_path(CLIENT, 1)
COUNTER = send_counter_path(CLIENT)
STORE = Store({PATH: b"\x11" * 32, COUNTER: (8).to_bytes(8, "big")})


def started(first: LightBlock | None = None) -> CometBftClient:
    first = first or block(header(1))
    return bootstrap(
        encode_light_block(first),
        chain_id=CHAIN_ID,
        height=first.signed_header.header.height,
        header_hash=canonical.header_hash(first.signed_header.header),
        parameters=PARAMETERS,
        host=HostLayout(),
    )


def evidence(height: int, *, trusted_height: int = 1, **changes: object) -> bytes:
    return encode_client_header(step(block(header(height, **changes)), trusted_height=trusted_height))  # type: ignore[arg-type]


def with_store() -> CometBftClient:
    return started().update(evidence(5, app_hash=STORE.root()), now=NOW)


def test_a_client_starts_at_its_checkpoint() -> None:
    client = started()
    assert client.latest() == Height(7, 1)
    assert client.timestamp_at(Height(7, 1)) == START + 1


def test_another_block_at_the_checkpoint_is_refused() -> None:
    first = block(header(1, app_hash=b"\x01" * 32))
    with pytest.raises(RootMismatch, match="checkpoint header hash"):
        bootstrap(
            encode_light_block(first),
            chain_id=CHAIN_ID,
            height=1,
            header_hash=canonical.header_hash(header(1)),
            parameters=PARAMETERS,
            host=HostLayout(),
        )


def test_an_update_adds_a_height_and_leaves_the_old_client_as_it_was() -> None:
    before = started()
    after = before.update(evidence(5), now=NOW)
    assert (before.latest(), after.latest()) == (Height(7, 1), Height(7, 5))
    assert after.timestamp_at(Height(7, 1)) == START + 1


def test_the_same_update_twice_changes_nothing() -> None:
    client = started().update(evidence(5), now=NOW)
    assert client.update(evidence(5), now=NOW) == client


def test_an_older_height_can_be_filled_in() -> None:
    client = started().update(evidence(9), now=NOW).update(evidence(5), now=NOW)
    assert [known.number for known in client.known] == [1, 5, 9]


def test_an_unknown_trusted_height_is_named() -> None:
    with pytest.raises(UnknownHeight) as refused:
        started().update(evidence(9, trusted_height=4), now=NOW)
    assert (refused.value.revision, refused.value.number) == (7, 4)


def test_a_trusted_height_of_another_revision_is_refused() -> None:
    with pytest.raises(WrongLedger, match="revision got=6 expected=7"):
        started().update(encode_client_header(step(block(header(5)), revision=6)), now=NOW)


def test_trust_expires_to_the_second() -> None:
    """The checkpoint's time has a part below a second; `now` may be any moment of its own second."""
    client = started()
    expiry = client.status(NOW).expires_at
    assert expiry == START + 1 + 14 * 86_400
    assert client.status(expiry - 1).state is ClientState.ACTIVE
    assert client.status(expiry).state is ClientState.EXPIRED
    late = header(5, time=(expiry - 5) * SECOND)
    proof = encode_client_header(step(block(late)))
    assert client.update(proof, now=expiry - 1).latest() == Height(7, 5)
    with pytest.raises(TrustExpired) as refused:
        client.update(proof, now=expiry)
    assert refused.value.expired_at == expiry


def test_expired_and_surplus_heights_are_forgotten_but_never_the_newest() -> None:
    client = started()
    late = header(5, time=(START + 14 * 86_400 - 5) * SECOND)
    client = client.update(encode_client_header(step(block(late))), now=START + 14 * 86_400)
    later = replace(header(6), time=late.time + DAY)
    client = client.update(encode_client_header(step(block(later), trusted_height=5)), now=START + 15 * 86_400)
    assert [known.number for known in client.known] == [5, 6]


def test_only_so_many_heights_are_kept() -> None:
    client = started()
    for height in range(2, CONSENSUS_STATES_MAX + 3):
        client = client.update(evidence(height, trusted_height=height - 1), now=NOW)
    assert (len(client.known), client.known[0].number) == (CONSENSUS_STATES_MAX, 3)
    assert decode_client(client.encode()) == client


def test_a_batch_of_claims_is_checked_under_one_root() -> None:
    claims = [
        Claim(PATH, b"\x11" * 32),
        Claim(receipt_path(CLIENT, 1), None),
        Claim(COUNTER, (7).to_bytes(8, "big")),
        Claim(send_counter_path(ClientId("08-other-1")), None),
    ]
    proof = join_batch([STORE.prove(claim.path) for claim in claims])
    with_store().check(claims, at=Height(7, 5), proof=proof)


WRONG_CLAIMS = {
    "another value": (Claim(PATH, b"\x12" * 32), PATH),
    "absence of what is there": (Claim(PATH, None), PATH),
    "presence of what is not": (Claim(receipt_path(CLIENT, 1), b"\x01"), receipt_path(CLIENT, 1)),
    "the stored counter instead of the last one sent": (Claim(COUNTER, (8).to_bytes(8, "big")), COUNTER),
    "a proof of another path": (Claim(PATH, b"\x11" * 32), COUNTER),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_a_wrong_claim_is_refused(name: str) -> None:
    claim, proved = WRONG_CLAIMS[name]
    with pytest.raises(InvalidProof):
        with_store().check([claim], at=Height(7, 5), proof=join_batch([STORE.prove(proved)]))


def test_a_proof_under_the_root_of_another_height_is_refused() -> None:
    with pytest.raises(RootMismatch):
        with_store().check([Claim(PATH, b"\x11" * 32)], at=Height(7, 1), proof=join_batch([STORE.prove(PATH)]))


@pytest.mark.parametrize("counter", (b"", b"\x07", b"\xff" * 8))
def test_a_send_counter_has_eight_bytes_and_a_successor(counter: bytes) -> None:
    with pytest.raises(MalformedProof, match="send counter"):
        with_store().check([Claim(COUNTER, counter)], at=Height(7, 5), proof=join_batch([STORE.prove(COUNTER)]))


def test_a_claim_without_proof_is_refused() -> None:
    with pytest.raises(MalformedProof, match="proof batch got=0 expected=1"):
        with_store().check([Claim(PATH, b"\x11" * 32)], at=Height(7, 5), proof=b"")


def test_a_second_block_at_a_known_height_freezes_the_client() -> None:
    client = started().update(evidence(5), now=NOW).update(evidence(5, app_hash=b"\x01" * 32), now=NOW)
    assert client.status(NOW).state is ClientState.FROZEN
    for attempt in (
        lambda: client.update(evidence(6), now=NOW),
        lambda: client.check([], at=Height(7, 5), proof=b""),
        lambda: client.misbehaviour(b"", b"", now=NOW),
    ):
        with pytest.raises(ClientFrozen) as refused:
            attempt()
        assert refused.value.frozen_at == 5


@pytest.mark.parametrize(("height", "seconds"), ((4, 5), (4, 6), (4, 9), (6, 5), (6, 2)))
def test_time_against_the_order_of_heights_freezes_the_client(height: int, seconds: int) -> None:
    """Known are heights 1 and 5 at their seconds; 4 may not be later than 5, and 6 not earlier."""
    client = started().update(evidence(5), now=NOW)
    time = (START + seconds) * SECOND + 123_456_789
    assert client.update(evidence(height, time=time), now=NOW).frozen_at == height


def test_two_blocks_at_one_height_are_misbehaviour() -> None:
    started().misbehaviour(evidence(5), evidence(5, app_hash=b"\x01" * 32), now=NOW)


@pytest.mark.parametrize("time", (header(4).time, header(5).time), ids=("earlier", "equal"))
def test_a_higher_block_whose_time_is_not_later_is_misbehaviour(time: int) -> None:
    started().misbehaviour(evidence(5), evidence(9, time=time), now=NOW)
    started().misbehaviour(evidence(9, time=time), evidence(5), now=NOW)


@pytest.mark.parametrize("other", (5, 6))
def test_honest_blocks_are_no_misbehaviour(other: int) -> None:
    with pytest.raises(NotMisbehaviour):
        started().misbehaviour(evidence(5), evidence(other), now=NOW)


def test_a_block_of_strangers_accuses_nobody() -> None:
    strangers = members("p", "q", "r", "s")
    invented = encode_client_header(step(block(header(5, strangers), strangers)))
    with pytest.raises(Exception, match="NotEnoughTrust signed=0 total=40"):
        started().misbehaviour(evidence(5), invented, now=NOW)


@pytest.mark.parametrize("client", (started(), with_store(), with_store().frozen(5)), ids=("new", "updated", "frozen"))
def test_an_encoded_client_comes_back_equal(client: CometBftClient) -> None:
    assert decode_client(client.encode()) == client


def test_a_client_of_another_version_is_refused() -> None:
    with pytest.raises(UnsupportedProof, match="client version got=02"):
        decode_client(b"\x02" + started().encode()[1:])


def test_a_client_has_one_encoding() -> None:
    """The latest height is written twice: in the client state and as the last known height."""
    encoded = started().encode()
    latest = bytes.fromhex("3a0408071001")
    assert encoded.count(latest) == 1
    with pytest.raises(ValueMismatch, match="client encoding"):
        decode_client(encoded.replace(latest, bytes.fromhex("3a0408071002")))


KNOWN = started().known[0]
IMPOSSIBLE = {
    "no height": ((), HostLayout(), MalformedProof, "known heights got=0"),
    "height 0": ((replace(KNOWN, number=0),), HostLayout(), MalformedProof, "known heights got=1"),
    "one height twice": ((KNOWN, KNOWN), HostLayout(), HeightNotIncreasing, "got=1 trusted=1"),
    "time that stands still": ((KNOWN, replace(KNOWN, number=2)), HostLayout(), TimeNotIncreasing, "got="),
    "a store without name": ((KNOWN,), HostLayout((b"", b"")), MalformedProof, "store name"),
    "a long prefix": ((KNOWN,), HostLayout((b"ibc", b"p" * 129)), LimitExceeded, "prefix got=129 limit=128"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_client_is_not_decoded(name: str) -> None:
    known, host, refusal, reason = IMPOSSIBLE[name]
    encoded = encode_belief(Belief(CHAIN_ID, PARAMETERS, host, known or (KNOWN,), None))
    if not known:
        encoded = encoded.replace(repeated_bytes_field(2, [known_height_bytes()]), b"")
    with pytest.raises(refusal, match=reason):
        decode_client(encoded)


def known_height_bytes() -> bytes:
    return varint_field(1, KNOWN.number) + message_field(2, encode_consensus_state(KNOWN.state))


@pytest.mark.parametrize("encoded", (b"", b"\x01", b"\x01" + b"\x00" * (1 << 16)))
def test_no_bytes_and_too_many_are_no_client(encoded: bytes) -> None:
    with pytest.raises(InvalidProof):
        decode_client(encoded)
