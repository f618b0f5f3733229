"""Rules against plain readings of them, on chance chains; and that what is read has one encoding."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from nacl.signing import SigningKey

from proofs.encoding.scale import encode_u32, encode_u64
from proofs.errors import InsufficientVotingPower, InvalidSignature, LimitExceeded, UnknownSigner, VerificationError
from proofs.merkle.substrate_trie import EMPTY_ROOT
from proofs.substrate.client import decode_client
from proofs.substrate.evidence import decode_checkpoint, decode_step, encode_checkpoint, encode_step
from proofs.substrate.headers import decode_header, encode_header, header_hash
from proofs.substrate.justification import decode_justification, encode_justification, signed_payload
from proofs.substrate.spec import verify_ancestry
from proofs.substrate.types import DigestItem, DigestKind, Header, Justification, Precommit
from tests.proofs.substrate.builders import NOW, START, Chain, at, authorities, chain_of, child, keys


@pytest.mark.parametrize("seed", range(60))
def test_more_than_two_thirds_of_the_weight_and_nothing_less(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randrange(1, 9)
    weights = [chance.choice((1, 1, 2, 5, 1 << 40)) for _ in range(count)]
    by = chance.sample(range(count), chance.randrange(count + 1))
    chain = Chain(signers=keys(count), weights=tuple(weights))
    chain.grow()
    signed = sum(weights[each] for each in by)
    step = chain.step(START + 1, START + 1, by=by)
    if 3 * signed > 2 * sum(weights):
        assert chain.client().update(step, now=NOW).latest() == at(START + 1)
    else:
        with pytest.raises(InsufficientVotingPower) as refused:
            chain.client().update(step, now=NOW)
        assert (refused.value.signed, refused.value.total) == (signed, sum(weights))


def descends(header: Header, target: Header, given: list[Header]) -> bool:
    """Read literally: there is a chain of given headers from the block to the target."""
    if header == target:
        return True
    parents = [each for each in (*given, target) if header_hash(each) == header.parent_hash]
    return header in given and any(descends(parent, target, given) for parent in parents)


@pytest.mark.parametrize("seed", range(150))
def test_votes_are_for_the_target_or_its_descendants(seed: int) -> None:
    """A chance tree of blocks around the target; each header is given or not, and voted for or not."""
    chance = random.Random(seed)
    root = Header(bytes(32), 9, bytes(32), bytes(32))
    tree = [root]
    for salt in range(chance.randrange(1, 9)):
        tree.append(child(chance.choice(tree), extrinsics_root=bytes([salt]) * 32))
    target = chance.choice(tree[:3])
    given = [each for each in tree if each != target and chance.random() < 0.7]
    voted = chance.sample(tree, chance.randrange(1, len(tree) + 1))
    needed = set()
    for each in voted:
        block = each
        while block != target and block in given:
            needed.add(header_hash(block))
            block = next((parent for parent in tree if header_hash(parent) == block.parent_hash), target)
    if chance.random() < 0.8:
        given = [each for each in given if header_hash(each) in needed]
    right = all(descends(each, target, given) for each in voted) and len(needed) == len(given)
    votes = tuple(Precommit(header_hash(each), each.number, b"", b"") for each in voted)
    commit = Justification(1, header_hash(target), target.number, votes, tuple(given))
    if right:
        verify_ancestry(commit)
    else:
        with pytest.raises(VerificationError):
            verify_ancestry(commit)


def chance_header(chance: random.Random) -> Header:
    kinds = [chance.choice(list(DigestKind)) for _ in range(chance.randrange(6))]
    digest = tuple(
        DigestItem(
            kind,
            b"" if kind in (DigestKind.OTHER, DigestKind.RUNTIME_UPDATED) else chance.randbytes(4),
            b"" if kind is DigestKind.RUNTIME_UPDATED else chance.randbytes(chance.choice((0, 1, 63, 64, 300))),
        )
        for kind in kinds
    )
    number = chance.randrange(1 << chance.randrange(1, 33))
    return Header(chance.randbytes(32), number, chance.randbytes(32), chance.randbytes(32), digest)


@pytest.mark.parametrize("seed", range(60))
def test_headers_and_justifications_have_one_encoding(seed: int) -> None:
    chance = random.Random(seed)
    header = chance_header(chance)
    assert decode_header(encode_header(header)) == header
    votes = tuple(
        Precommit(chance.randbytes(32), chance.randrange(1 << 32), chance.randbytes(64), chance.randbytes(32))
        for _ in range(chance.randrange(5))
    )
    made = Justification(chance.randrange(1 << 64), chance.randbytes(32), chance.randrange(1 << 32), votes, (header,))
    assert decode_justification(encode_justification(made)) == made


@pytest.mark.parametrize(
    ("state_root", "genesis_hash"),
    (
        (
            "29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17",
            "91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3",
        ),
        (
            "b0006203c3a6e6bd2c6a17b1d4ae8ca49a31da0f4579da950b127774b44aef6b",
            "b0a8d493285c2df73290dfb7e61f870f17b41801197a149ca93654499ea3dafe",
        ),
    ),
    ids=("Polkadot", "Kusama"),
)
def test_the_first_headers_of_known_chains(state_root: str, genesis_hash: str) -> None:
    first = Header(bytes(32), 0, bytes.fromhex(state_root), EMPTY_ROOT)
    assert header_hash(first).hex() == genesis_hash


def test_evidence_has_one_encoding() -> None:
    chain = chain_of(3)
    for step in (chain.step(START + 1, START + 2), chain.step(START + 2, START + 2)):
        assert encode_step(decode_step(step)) == step
    assert encode_checkpoint(decode_checkpoint(chain.checkpoint())) == chain.checkpoint()


@pytest.mark.parametrize("name", (*Header.__dataclass_fields__,))
def test_the_hash_of_a_header_covers_every_field(name: str) -> None:
    header = chain_of(2).header(START + 1)
    value = getattr(header, name)
    longer = value[1:] if isinstance(value, tuple) else b"\x77" * 32
    other = value + 1 if isinstance(value, int) else longer
    changed: dict[str, Any] = {name: other}
    assert header_hash(replace(header, **changed)) != header_hash(header)


def test_a_vote_is_signed_with_its_round_and_set() -> None:
    """Written out by hand: a precommit, its target, the round, the set."""
    vote = Precommit(b"\x07" * 32, 0x01020304, b"", b"")
    expected = "01" + "07" * 32 + "04030201" + encode_u64(5).hex() + encode_u64(6).hex()
    assert signed_payload(vote, round_number=5, set_id=6).hex() == expected
    assert encode_u32(0x01020304).hex() == "04030201"


def changing_chain(chance: random.Random) -> tuple[Chain, list[tuple[int, int, tuple[SigningKey, ...], int]]]:
    """A chain with a few changes, and of each when it was announced, when it took effect, and who voted till then."""
    chain = Chain()
    changes = []
    for _ in range(chance.randrange(1, 5)):
        chain.grow(chance.randrange(3))
        voters, set_id, announced = chain.signers, chain.set_id, chain.last + 1
        chain.change(keys(chance.randrange(1, 6), first=chance.randrange(1, 90)), delay=chance.randrange(4))
        changes.append((announced, chain.last, voters, set_id))
    chain.grow(chance.randrange(1, 4))
    return chain, changes


@pytest.mark.parametrize("seed", range(60))
def test_whatever_way_leads_through_the_changes_the_same_set_is_believed(seed: int) -> None:
    """Steps of any length, with blocks left out but for announcements; and now and then an old step again."""
    chance = random.Random(seed)
    chain, changes = changing_chain(chance)
    client, position, taken = chain.client(), START, []
    while position < chain.last:
        announced, ends, voters, set_id = next(
            (each for each in changes if each[1] > position), (0, chain.last, chain.signers, chain.set_id)
        )
        target = chance.randint(position + 1, ends)
        first = chance.randint(position + 1, announced if position < announced <= target else target)
        step = chain.step(first, target, by=range(len(voters)), signers=voters, set_id=set_id)
        client = client.update(step, now=NOW)
        taken.append((set_id, step))
        # A client remembers four sets: what was said by one of the last two is still understood.
        again = chance.choice([each for of, each in taken if of >= set_id - 1])
        assert client.update(again, now=NOW) == client
        assert decode_client(client.encode()) == client
        position = target
    believed = client.belief.sets[-1]
    assert (believed.set_id, believed.authorities) == (chain.set_id, authorities(chain.signers))
    assert (client.belief.latest.number, client.belief.pending, client.belief.frozen_at) == (chain.last, None, None)


@pytest.mark.parametrize("seed", range(40))
def test_no_way_leads_past_a_change_that_was_not_told(seed: int) -> None:
    """Whoever leaves an announcement out gets no further than the end of the set, and the client tells no lie."""
    chance = random.Random(seed)
    chain, changes = changing_chain(chance)
    announced, ends, voters, set_id = changes[0]
    client = chain.client()
    if ends > announced:
        client = client.update(chain.step(ends, ends, by=range(len(voters)), signers=voters, set_id=set_id), now=NOW)
    later = chance.randint(ends + 1, chain.last)
    _, _, then, its_id = next((each for each in changes if later <= each[1]), (0, 0, chain.signers, chain.set_id))
    with pytest.raises((UnknownSigner, InvalidSignature, LimitExceeded, InsufficientVotingPower)):
        client.update(chain.step(later, later, by=range(len(then)), signers=then, set_id=its_id), now=NOW)
