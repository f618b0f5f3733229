"""Proofs of BNB Beacon Chain as its bridge verified them, and Greenfield blocks.

The bridge's older format is amino, which no client here reads: the two proofs forged in October 2022 are of that
format, so the reader of ICS-23 proofs must refuse them. Greenfield adds fields to headers and validators that
CometBFT does not know: whatever the suite's author expects of them, our clients verify standard blocks only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from proofs.cometbft import canonical, predicates
from proofs.cometbft.ibc_messages import decode_light_block
from proofs.cometbft.types import KeyType, PublicKey
from proofs.encoding import protobuf
from proofs.encoding.protobuf import BYTES, STRING, Field, Message
from proofs.errors import UnsupportedProof, ValueMismatch
from proofs.merkle import ics23
from proofs.primitives import secp256k1
from tests.vectors.case import Case, accept_if
from tests.vectors.files import Files

_OP_TYPES = ("ics23:iavl", "ics23:simple")


@dataclass(frozen=True, slots=True)
class ProofOp:
    type: str
    key: bytes
    data: bytes


def _ops(ops: tuple[ProofOp, ...]) -> tuple[ProofOp, ...]:
    return ops


_OP = Message("ProofOp", ProofOp, [Field(1, "type", STRING), Field(2, "key", BYTES), Field(3, "data", BYTES)])
_OPS = Message("ProofOps", _ops, [Field(1, "ops", _OP, repeated=True, limit=8)])


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("merkle_proofs.json"):
        for entry in file.json():
            verify = partial(
                _verify,
                bytes.fromhex(entry["proof_ops_hex"]),
                store=entry["store_name"].encode(),
                key=bytes.fromhex(entry["key_hex"]),
                value=bytes.fromhex(entry["value_hex"]),
                root=bytes.fromhex(entry["app_hash_hex"]),
            )
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.named("proof_op_rules.json"):
        for entry in file.json():
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), _no_such_operation)
    for file in files.named("secp256k1_recover.json"):
        for entry in file.json():
            verify = partial(
                _verify_signature,
                bytes.fromhex(entry["compressed_pubkey_hex"]),
                bytes.fromhex(entry["message_hash_hex"]),
                bytes.fromhex(entry["signature_rs_hex"]),
                bytes.fromhex(entry["bech_style_address_hex"]),
            )
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.named("cometbft_light_blocks.json"):
        for entry in file.json():
            yield Case(
                file, entry["name"], accept_if(entry["expect"] == "accept"), partial(_verify_block, _block(entry))
            )


def _no_such_operation() -> None:
    raise AssertionError("tables.py says that the product never performs this")


def _verify(proof_ops: bytes, *, store: bytes, key: bytes, value: bytes, root: bytes) -> None:
    """Two operators: the store's proof, then the multistore's, as `verify_chained` takes them."""
    ops = protobuf.decode(proof_ops, _OPS, part="proof ops")
    types = tuple(each.type for each in ops)
    if types != _OP_TYPES:
        raise UnsupportedProof("proof ops", got=types, expected=_OP_TYPES)
    proof = protobuf.repeated_bytes_field(1, (each.data for each in ops))
    ics23.verify_chained(proof, root=root, path=[store, key], value=value)


def _verify_signature(public_key: bytes, digest: bytes, signature: bytes, address: bytes) -> None:
    secp256k1.verify(digest, signature, public_key=public_key)
    computed = canonical.address(PublicKey(KeyType.SECP256K1, public_key))
    if computed != address:
        raise ValueMismatch("address", got=computed, expected=address)


def _block(entry: dict[str, str]) -> bytes:
    """The light block alone, or as the precompile takes it: the length of the state, the state, the block."""
    if "light_block_hex" in entry:
        return bytes.fromhex(entry["light_block_hex"])
    given = bytes.fromhex(entry["input_hex"])
    return given[32 + int.from_bytes(given[:32], "big") :]


def _verify_block(encoded: bytes) -> None:
    block = decode_light_block(encoded)
    predicates.check_commit_is_for_header(block.signed_header)
