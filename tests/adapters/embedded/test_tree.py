"""The tree against a dictionary, and its proofs against the verifier that real chains' proofs go through."""

from __future__ import annotations

from hashlib import sha256
from random import Random

import pytest

from adapters.embedded import tree
from adapters.embedded.state import IBC, STORES, State, app_hash, prove
from adapters.embedded.tree import Inner, Leaf, Tree
from proofs.cometbft.belief import KnownHeight
from proofs.cometbft.client import CometBftClient
from proofs.cometbft.host import HostLayout
from proofs.cometbft.types import SECOND, ConsensusState, Parameters
from proofs.encoding.proof_batch import join_batch
from proofs.errors import InvalidProof
from proofs.light_client import Claim, Height


def _varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7) if value > 0x7F else bytes([value])


def _naive_hash(node: Leaf | Inner) -> bytes:
    """The node hash of IAVL read literally."""
    numbers = b"".join(_varint(2 * number) for number in (node.height, node.size, node.version))
    if isinstance(node, Leaf):
        value = sha256(node.value).digest()
        return sha256(numbers + _varint(len(node.low)) + node.low + _varint(len(value)) + value).digest()
    return sha256(numbers + b"\x20" + _naive_hash(node.left) + b"\x20" + _naive_hash(node.right)).digest()


def _check_shape(node: Tree) -> None:
    if isinstance(node, Inner):
        assert abs(node.left.height - node.right.height) <= 1
        assert node.height == 1 + max(node.left.height, node.right.height)
        assert node.size == node.left.size + node.right.size
        assert node.version >= max(node.left.version, node.right.version)
        _check_shape(node.left)
        _check_shape(node.right)


@pytest.mark.parametrize("seed", range(20))
def test_a_tree_holds_what_a_dictionary_holds_in_every_version(seed: int) -> None:
    chance = Random(seed)
    current: Tree = None
    naive: dict[bytes, bytes] = {}
    versions: list[tuple[Tree, dict[bytes, bytes], bytes]] = []
    for version in range(1, 12):
        for _ in range(chance.randrange(1, 40)):
            key = bytes([chance.randrange(60)])
            if chance.random() < 0.35:
                current = tree.remove(current, key, version)
                naive.pop(key, None)
            else:
                value = chance.randbytes(chance.randrange(1, 40))
                current = tree.insert(current, key, value, version)
                naive[key] = value
        _check_shape(current)
        versions.append((current, dict(naive), tree.root_hash(current)))
    for kept, expected, root in versions:
        assert list(tree.items(kept)) == sorted(expected.items())
        assert tree.root_hash(kept) == root
        assert kept is None or _naive_hash(kept) == root
        for number in range(60):
            assert tree.get(kept, bytes([number])) == expected.get(bytes([number]))


def _believing(root: bytes) -> CometBftClient:
    """A light client that holds `root` for the state of height 5."""
    parameters = Parameters(100 * SECOND, 200 * SECOND, SECOND)
    known = KnownHeight(5, ConsensusState(50 * SECOND, root, bytes(32)))
    return CometBftClient("chain-1", parameters, HostLayout(), (known,))


@pytest.mark.parametrize("seed", range(20))
def test_presence_and_absence_are_proved_to_the_verifier_of_real_chains(seed: int) -> None:
    chance = Random(seed)
    state = State(version=7)
    for store in STORES:
        state.set(store, b"first", b"\x01")
    keys = {chance.randbytes(chance.randrange(1, 30)) for _ in range(chance.randrange(1, 60))}
    for key in keys:
        state.set(IBC, key, sha256(key).digest())
    snapshot = state.snapshot()
    asked = [*sorted(keys)[:20], *(chance.randbytes(9) for _ in range(10)), b"\x00", b"\xff" * 40]
    claims = [Claim(key, state.get(IBC, key)) for key in asked]
    proof = join_batch([prove(snapshot, IBC, key) for key in asked])
    client = _believing(app_hash(snapshot))
    client.check(claims, at=Height(1, 5), proof=proof)
    for index in (0, len(claims) - 1):
        claim = claims[index]
        false = Claim(claim.path, b"\x05" * 32 if claim.value is None else None)
        with pytest.raises(InvalidProof):
            client.check([*claims[:index], false, *claims[index + 1 :]], at=Height(1, 5), proof=proof)


def test_going_back_to_a_snapshot_forgets_what_came_after() -> None:
    state = State()
    state.set(IBC, b"kept", b"1")
    before = state.snapshot()
    state.set(IBC, b"kept", b"2")
    state.delete(IBC, b"kept")
    state.restore(before)
    assert state.get(IBC, b"kept") == b"1"
    assert app_hash(state.snapshot()) == app_hash(before)


def test_removing_an_absent_key_changes_nothing() -> None:
    before = tree.insert(None, b"a", b"1", 1)
    assert tree.remove(before, b"b", 2) is before
    assert tree.remove(None, b"b", 2) is None
