"""Where an ICS26Router keeps what IBC paths name, and the check of claims against EVM state.

    path                       slot                                                      value
    commitment, receipt, ack   commitments[keccak256(path)]                              32 bytes
    nextSequenceSend/<client>  prevSequenceSends[client], the mapping one slot further   last sequence sent

Storage drops leading zeros, so values are compared as integers: 1 commitment in 256 is shorter than 32 bytes.
The layout belongs to the code, so the account's code hash is part of it: other code may keep other things there.

Source: ICS26Router and ERC-7201; Solidity documentation, "Layout of State Variables in Storage", mappings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.commitment import ClientId, send_counter_path
from proofs.encoding import rlp
from proofs.encoding.proof_batch import check_something_is_claimed
from proofs.errors import LimitExceeded, MalformedProof, ValueMismatch, WrongLedger
from proofs.ethereum.execution import Account, prove_account, prove_slot
from proofs.light_client import Claim
from proofs.merkle.patricia import Memo
from proofs.primitives.hashing import keccak256

ROUTER_COMMITMENTS_SLOT: Final = 0x1260944489272988D9DF285149B5AA1B0F48F2136D6F416159F840A3E0747600

# ERC-1967: keccak256("eip1967.proxy.implementation") - 1.
IMPLEMENTATION_SLOT: Final = bytes.fromhex("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")

_COUNTER_PREFIX: Final = send_counter_path(ClientId(""))
_U64_BYTES: Final = 8
_WORD: Final = 32
# Room for 1,024 claims of 4 KiB: more than any transaction of a ledger takes.
PROOF_BYTES_MAX: Final = 4 << 20
# A path in a trie over 32-byte hashes has at most 65 nodes, and stands in a list; the proof has two lists of its own.
_ITEMS_PER_PATH: Final = 66
_VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class RouterLayout:
    """Which account is the host, which code it runs, and where it keeps its commitments.

    code_hash:      of the account itself; behind a proxy that is the proxy's code.
    implementation: behind an ERC-1967 proxy the address of the code that runs, 20 bytes, proved with every proof, so
                    that no upgrade passes unseen. None: not a proxy, or whoever may upgrade it is trusted.
    """

    address: bytes
    code_hash: bytes
    commitments_slot: int = ROUTER_COMMITMENTS_SLOT
    implementation: bytes | None = None

    def __post_init__(self) -> None:
        _check_length("router address", self.address, 20)
        _check_length("router code hash", self.code_hash, _WORD)
        if self.implementation is not None:
            _check_length("router implementation", self.implementation, 20)
        if not 0 <= self.commitments_slot < (1 << 256) - 1:
            raise MalformedProof("commitments slot", got=self.commitments_slot, expected="a slot and one after it")

    def slot_of(self, path: bytes) -> bytes:
        """The 32-byte storage key of an IBC path."""
        if is_send_counter(path):
            client = path[len(_COUNTER_PREFIX) :]
            return keccak256(client + (self.commitments_slot + 1).to_bytes(_WORD, "big"))
        return keccak256(keccak256(path) + self.commitments_slot.to_bytes(_WORD, "big"))

    def storage_keys(self, claims: Sequence[Claim]) -> tuple[bytes, ...]:
        """The slots that a proof of `claims` must show, in its order."""
        keys = tuple(self.slot_of(claim.path) for claim in claims)
        return keys if self.implementation is None else (*keys, IMPLEMENTATION_SLOT)

    def encode(self) -> bytes:
        slot = rlp.int_bytes(self.commitments_slot)
        return rlp.encode([_VERSION, self.address, self.code_hash, slot, self.implementation or b""])


def decode_layout(encoded: bytes) -> RouterLayout:
    """Raises MalformedProof, LimitExceeded."""
    items = rlp.as_list(rlp.decode(encoded, depth_limit=1, item_limit=8), "router layout", count=5)
    if items[0] != _VERSION:
        raise MalformedProof("router layout version", got=items[0], expected=_VERSION)
    address, code_hash, implementation = (rlp.as_bytes(items[at], "router layout") for at in (1, 2, 4))
    return RouterLayout(address, code_hash, rlp.as_int(items[3], "commitments slot"), implementation or None)


def is_send_counter(path: bytes) -> bool:
    """A packet path ends in a kind byte and a number, a client id is printable: neither reads as the other."""
    client = path.removeprefix(_COUNTER_PREFIX)
    return client != path and all(0x21 <= byte <= 0x7E for byte in client)


def check_claims(claims: Sequence[Claim], *, state_root: bytes, layout: RouterLayout, proof: bytes) -> None:
    """Return only if `proof` shows every claim under `state_root`. Raises InvalidProof.

    proof: RLP list [account nodes, [storage nodes, one list per claim]] (EIP-1186); where the layout names an
           implementation, one more list at the end for its slot.
    """
    check_something_is_claimed(len(claims))
    keys = layout.storage_keys(claims)
    account_nodes, storage_nodes = decode_state_proof(proof, count=len(keys))
    memo: Memo = {}
    account = prove_account(state_root, layout.address, account_nodes, memo=memo)
    storage_root = check_host_account(account, layout)
    if layout.implementation is not None:
        found = prove_slot(storage_root, IMPLEMENTATION_SLOT, storage_nodes[-1], memo=memo)
        check_implementation(found, layout.implementation)
    for claim, key, nodes in zip(claims, keys, storage_nodes, strict=False):
        check_stored(claim, prove_slot(storage_root, key, nodes, memo=memo), stored_form(claim))


def check_host_account(account: Account | None, layout: RouterLayout) -> bytes:
    """The host exists and runs the code that the layout was made for. Returns its storage root."""
    if account is None:
        raise WrongLedger("host account", got="nothing there", expected=layout.address)
    if account.code_hash != layout.code_hash:
        raise WrongLedger("host code hash", got=account.code_hash, expected=layout.code_hash)
    return account.storage_root


def check_implementation(found: bytes, expected: bytes) -> None:
    """ERC-1967: the proxy still runs the code that the layout was made for."""
    if found != expected.lstrip(b"\x00"):
        raise WrongLedger("host implementation", got=found or "nothing", expected=expected)


def stored_form(claim: Claim) -> bytes:
    """What the slot must hold for the claim, leading zeros stripped; empty for absence. Raises MalformedProof."""
    if is_send_counter(claim.path):
        if claim.value is None or len(claim.value) != _U64_BYTES:
            raise MalformedProof("send counter", got=claim.value, expected="8 bytes, big-endian")
        return claim.value.lstrip(b"\x00")
    if claim.value is None:
        return b""
    if len(claim.value) != _WORD or not any(claim.value):
        raise MalformedProof("commitment", got=claim.value, expected="32 bytes, not all zero")
    return claim.value.lstrip(b"\x00")


def check_stored(claim: Claim, found: bytes, expected: bytes) -> None:
    """The slot holds the claimed value as an integer, or nothing where absence is claimed."""
    if found != expected:
        raise ValueMismatch("host storage", got=found or "nothing", expected=claim.value or "nothing")


def encode_state_proof(account_nodes: Sequence[bytes], storage_nodes: Sequence[Sequence[bytes]]) -> bytes:
    """storage_nodes: one list per slot, in the order of `RouterLayout.storage_keys`; nodes from the root on."""
    return rlp.encode([account_nodes, storage_nodes])


def decode_state_proof(proof: bytes, *, count: int) -> tuple[list[bytes], list[list[bytes]]]:
    """Account nodes and the storage nodes of each of `count` slots. Raises MalformedProof, LimitExceeded."""
    if len(proof) > PROOF_BYTES_MAX:
        raise LimitExceeded("state proof", got=len(proof), limit=PROOF_BYTES_MAX)
    item_limit = min(rlp.ITEM_LIMIT, 2 + _ITEMS_PER_PATH * (count + 1))
    parts = rlp.as_list(rlp.decode(proof, depth_limit=3, item_limit=item_limit), "state proof", count=2)
    storage = rlp.as_list(parts[1], "storage proofs", count=count)
    return _nodes(parts[0], "account proof"), [_nodes(each, "storage proof") for each in storage]


def _nodes(item: rlp.Item, part: str) -> list[bytes]:
    return [rlp.as_bytes(node, part) for node in rlp.as_list(item, part)]


def _check_length(part: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise MalformedProof(part, got=len(value), expected=length)
