"""BEEFY with keys of our own: sets of signers, signed commitments, and mountain ranges of leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from coincurve import PrivateKey

from proofs.merkle import binary_merkle
from proofs.primitives.hashing import keccak256
from proofs.primitives.secp256k1 import address_of
from proofs.substrate.beefy import signer_state
from proofs.substrate.beefy.client import BeefyClient, bootstrap
from proofs.substrate.beefy.evidence import Step
from proofs.substrate.beefy.messages import (
    MMR_ROOT,
    Commitment,
    Leaf,
    SignedCommitment,
    SignerSet,
    commitment_hash,
    encode_leaf,
    encode_signers,
)
from proofs.substrate.beefy.spec import LeafPath, MemberSignature, Statement
from proofs.substrate.evidence import Checkpoint, encode_checkpoint
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout
from proofs.substrate.membership import STEP_KEYS
from tests.proofs.substrate.builders import GENESIS, LAYOUT, PARAMETERS, START, Chain

SET_ID = 40
BLOCK = 500


@lru_cache
def private(secret: int) -> PrivateKey:
    return PrivateKey(secret.to_bytes(32, "big"))


@dataclass(frozen=True)
class Signers:
    """Keys in the order of their set."""

    keys: tuple[PrivateKey, ...]
    set_id: int = SET_ID

    @property
    def addresses(self) -> list[bytes]:
        return [address_of(key.public_key.format(compressed=False)[1:]) for key in self.keys]

    @property
    def set(self) -> SignerSet:
        return SignerSet(self.set_id, len(self.keys), binary_merkle.merkle_root(self.addresses))

    def signature(self, index: int, commitment: Commitment) -> bytes:
        return self.keys[index].sign_recoverable(commitment_hash(commitment), hasher=None)

    def member(self, index: int, commitment: Commitment) -> MemberSignature:
        path = merkle_path([keccak256(each) for each in self.addresses], index)
        return MemberSignature(index, self.addresses[index], path, self.signature(index, commitment))

    def members(self, commitment: Commitment, by: Sequence[int]) -> list[MemberSignature]:
        return [self.member(each, commitment) for each in by]

    def signed(self, commitment: Commitment, by: Sequence[int]) -> SignedCommitment:
        places = range(len(self.keys))
        return SignedCommitment(
            commitment, tuple(self.signature(each, commitment) if each in by else None for each in places)
        )


def signers(count: int = 7, first: int = 1, set_id: int = SET_ID) -> Signers:
    return Signers(tuple(private(first + each) for each in range(count)), set_id)


def merkle_path(hashes: list[bytes], index: int) -> tuple[bytes, ...]:
    """Read literally: the neighbour at each level, if there is one."""
    path = []
    while len(hashes) > 1:
        neighbour = index ^ 1
        if neighbour < len(hashes):
            path.append(hashes[neighbour])
        pairs = [hashes[at : at + 2] for at in range(0, len(hashes), 2)]
        hashes = [keccak256(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs]
        index //= 2
    return tuple(path)


@dataclass
class Range:
    """Four leaves, a perfect tree: the last one is of the committed block."""

    leaves: list[Leaf] = field(default_factory=list)

    def root(self) -> bytes:
        return self._join(self._hashes())

    def path(self, index: int) -> LeafPath:
        items = merkle_path(self._hashes(), index)
        return LeafPath(items, index)

    def _hashes(self) -> list[bytes]:
        return [keccak256(encode_leaf(each)) for each in self.leaves]

    def _join(self, hashes: list[bytes]) -> bytes:
        while len(hashes) > 1:
            hashes = [keccak256(hashes[at] + hashes[at + 1]) for at in range(0, len(hashes), 2)]
        return hashes[0]


def leaf(number: int, following: SignerSet) -> Leaf:
    return Leaf(number - 1, number.to_bytes(32, "big"), following, b"\x05" * 32)


def range_to(block: int, following: SignerSet) -> Range:
    return Range([leaf(block - 3 + each, following) for each in range(4)])


def commitment(root: bytes, *, block: int = BLOCK, set_id: int = SET_ID) -> Commitment:
    return Commitment(((MMR_ROOT, root),), block, set_id)


NOW_SIGNING = signers()
SIGNING_NEXT = signers(9, first=30, set_id=SET_ID + 1)
AFTER_THEM = signers(5, first=60, set_id=SET_ID + 2)
QUORUM = (0, 1, 3, 4, 6)


@dataclass
class BeefyChain:
    """Blocks of a chain whose states name the signers. Each session's signers are known one session before."""

    sessions: list[Signers] = field(default_factory=lambda: [NOW_SIGNING, SIGNING_NEXT, AFTER_THEM])
    genesis: bytes = GENESIS
    blocks: Chain = field(init=False)
    session_of: dict[int, int] = field(default_factory=lambda: {START: 0})

    def __post_init__(self) -> None:
        self.blocks = Chain(genesis=self.genesis)
        self.blocks.headers, self.blocks.states = [], []
        self.grow()

    def grow(
        self, count: int = 1, *, session: int = 0, host: Mapping[bytes, bytes] | None = None, **changes: Any
    ) -> None:
        """host: what the host stores in these blocks, instead of what all blocks hold."""
        for _ in range(count):
            named = {
                signer_state.BEEFY_AUTHORITIES: encode_signers(self.sessions[session].set),
                signer_state.BEEFY_NEXT_AUTHORITIES: encode_signers(self.sessions[session + 1].set),
            }
            stored = {} if host is None else dict.fromkeys(self.blocks.host) | dict(host)
            entries = named | stored | changes.get("entries", {})
            self.blocks.grow(**{**changes, "entries": entries})
            self.session_of[self.blocks.last] = session

    def leaf(self, number: int) -> Leaf:
        """Of the block `number`; blocks before the first have leaves that nobody asks for."""
        session = self.session_of.get(number, 0)
        following = self.sessions[session + 1].set
        if number <= START:
            return Leaf(number - 1, bytes(32), following, bytes(32))
        return Leaf(number - 1, header_hash(self.blocks.header(number - 1)), following, b"\x05" * 32)

    def step(
        self,
        number: int,
        by: Sequence[int] = QUORUM,
        *,
        signed_by: Signers = NOW_SIGNING,
        back: int = 0,
        leaves: Range | None = None,
        shown: int = 0,
    ) -> Step:
        """Commit to the root at `number` and show the parent of the leaf `back` blocks before."""
        made = leaves or Range([self.leaf(number - 3 + each) for each in range(4)])
        said = commitment(made.root(), block=number, set_id=signed_by.set_id)
        chosen = made.leaves[3 - back]
        statement = Statement(signed_by.signed(said, by), tuple(signed_by.addresses), chosen, made.path(3 - back))
        parent = shown or chosen.parent_number
        return Step(statement, self.blocks.header(parent), self.blocks.state(parent).nodes(STEP_KEYS))

    def checkpoint(self, number: int = START) -> bytes:
        nodes = self.blocks.state(number).nodes(signer_state.CHECKPOINT_KEYS)
        return encode_checkpoint(Checkpoint(self.blocks.header(number), nodes))

    def client(self, number: int = START, layout: HostLayout = LAYOUT) -> BeefyClient:
        return bootstrap(
            self.checkpoint(number),
            checkpoint_hash=header_hash(self.blocks.header(number)),
            parameters=PARAMETERS,
            layout=layout,
        )


def chain_of(length: int = 6) -> BeefyChain:
    chain = BeefyChain()
    chain.grow(length - 1)
    return chain
