"""Votes in the substrate suite: GRANDPA commits and justifications, and BEEFY as Snowbridge's relayer writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from proofs.encoding.scale import ScaleReader, encode_bytes, encode_u8, encode_u32, encode_u64, encode_vector
from proofs.merkle import binary_merkle, mmr
from proofs.primitives.hashing import keccak256
from proofs.primitives.secp256k1 import address_of, recover
from proofs.substrate import predicates as rules
from proofs.substrate import spec
from proofs.substrate.authorities import AUTHORITIES_MAX
from proofs.substrate.justification import decode_justification
from proofs.substrate.types import Authorities, AuthoritySet, Justification, Precommit
from tests.vectors.case import ACCEPT, Case, value
from tests.vectors.files import DataFile, Files

_WORD_BITS = 256


def grandpa_cases(files: Files) -> Iterator[Case]:
    """No file says who may vote: those who did are taken for the set, each with the same weight."""
    for file in files.matching("grandpa/*.json"):
        document = file.json()
        encoded = _bytes(_first(document, "encoded", "justification", "bytes"))
        decode = decode_justification if "justification" in file.name else _decode_commit
        set_id = int(document.get("set_id", 0))
        yield Case(file, "fields", value(_fields_of(document)), partial(_shown_fields, decode, encoded, document))
        yield Case(file, "votes", ACCEPT, partial(_verify_votes, decode, encoded, set_id))


def _decode_commit(encoded: bytes) -> Justification:
    """A commit as peers send it: targets and signatures apart, no headers. Its set id stands behind the round."""
    reader = ScaleReader(encoded, "commit")
    round_number, _ = reader.u64(), reader.u64()
    target_hash, target_number = reader.fixed(32), reader.u32()
    targets = reader.vector(lambda: (reader.fixed(32), reader.u32()), limit=AUTHORITIES_MAX)
    votes = reader.vector(lambda: (reader.fixed(64), reader.fixed(32)), limit=AUTHORITIES_MAX)
    reader.end()
    precommits = tuple(Precommit(*target, *vote) for target, vote in zip(targets, votes, strict=True))
    return Justification(round_number, target_hash, target_number, precommits)


def _verify_votes(decode: Callable[[bytes], Justification], encoded: bytes, set_id: int) -> None:
    justification: Justification = decode(encoded)
    voters = tuple(dict.fromkeys(vote.authority for vote in justification.precommits))
    voter_set = AuthoritySet(set_id, 0, Authorities(voters, (1,) * len(voters)))
    signed = spec.counted_weight(justification, voter_set)
    rules.check_threshold(signed=signed, total=voter_set.authorities.total_weight, set_id=set_id)
    spec.verify_ancestry(justification)
    spec.verify_signatures(justification, set_id=set_id)


def _fields_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the file says of the bytes in it, under its own names."""
    fields: dict[str, Any] = {}
    for name in ("round", "target_number"):
        if name in document:
            fields[name] = int(document[name])
    if "target_hash" in document:
        fields["target_hash"] = _bytes(document["target_hash"])
    if "precommits" in document:
        fields["precommits"] = [
            (_bytes(each["target_hash"]), each["target_number"], _bytes(each["signature"]), _bytes(each["authority"]))
            for each in document["precommits"]
        ]
    return fields


def _shown_fields(
    decode: Callable[[bytes], Justification], encoded: bytes, document: Mapping[str, Any]
) -> dict[str, Any]:
    found: Justification = decode(encoded)
    fields = {
        "round": found.round,
        "target_number": found.target_number,
        "target_hash": found.target_hash,
        "precommits": [
            (vote.target_hash, vote.target_number, vote.signature, vote.authority) for vote in found.precommits
        ],
    }
    return {name: field for name, field in fields.items() if name in document}


@dataclass(frozen=True, slots=True)
class Signer:
    index: int
    account: bytes
    signature: bytes
    path: tuple[bytes, ...]


def beefy_cases(files: Files) -> Iterator[Case]:
    commitment = files.one("beefy_snowbridge/beefy-commitment.json")
    digest = _bytes(commitment.json()["commitmentHash"]) if commitment else None
    for file in files.named("beefy_snowbridge/beefy-commitment.json"):
        yield from _commitment(file)
    signers: dict[int, Signer] = {}
    for file in files.named("beefy_snowbridge/beefy-final-proof.json"):
        given = [_final_signer(entry) for entry in file.json()["finalValidatorsProof"]]
        signers |= {each.index: each for each in given}
        if digest is not None:
            yield from (_signature(file, digest, each) for each in given)
    validators = files.one("beefy_snowbridge/beefy-validator-set.json")
    if validators is None:
        return
    members = validators.json()
    root, count = _bytes(members["validatorRoot"]), members["validatorSetSize"]
    for each in signers.values():
        yield Case(validators, f"member {each.index}", ACCEPT, partial(_is_member, each, each.index, root, count))
    for file in files.named("beefy_snowbridge/beefy-final-bitfield.json"):
        places = list(_places(file.json()["final"]["finalBitField"]))
        for place, each in zip(places, signers.values(), strict=True):
            yield Case(file, f"bit {place}", ACCEPT, partial(_is_member, each, place, root, count))


def _commitment(file: DataFile) -> Iterator[Case]:
    """The signed commitment, the newest leaf of the range that it is of, and the signers."""
    document = file.json()
    digest, parameters = _bytes(document["commitmentHash"]), document["params"]
    commitment, leaf = parameters["commitment"], parameters["leaf"]
    yield Case(file, "commitment hash", value(digest), partial(_commitment_hash, commitment))
    items = [_bytes(item) for item in parameters["leafProof"]]
    order = int(parameters["leafProofOrder"])
    for entry in commitment["payload"]:
        if entry["payloadID"] == "mh":
            verify = partial(mmr.verify_leaf_by_order, _bytes(entry["data"]), _encode_leaf(leaf), items, order)
            yield Case(file, "newest leaf", ACCEPT, verify)
    # The same validators sign on in the next set, which is the one that the leaf names.
    root, count = _bytes(leaf["nextAuthoritySetRoot"]), leaf["nextAuthoritySetLen"]
    for entry in parameters["proofs"]:
        signature = _bytes(entry["R"]) + _bytes(entry["S"]) + encode_u8(entry["V"])
        path = tuple(_bytes(item) for item in entry["Proof"])
        signer = Signer(entry["Index"], _bytes(entry["Account"]), signature, path)
        yield _signature(file, digest, signer)
        yield Case(file, f"member {signer.index}", ACCEPT, partial(_is_member, signer, signer.index, root, count))


def _commitment_hash(commitment: Mapping[str, Any]) -> bytes:
    payload = [each["payloadID"].encode() + encode_bytes(_bytes(each["data"])) for each in commitment["payload"]]
    block, set_id = encode_u32(commitment["blockNumber"]), encode_u64(commitment["validatorSetID"])
    return keccak256(encode_vector(payload) + block + set_id)


def _encode_leaf(leaf: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            encode_u8(leaf["version"]),
            encode_u32(leaf["parentNumber"]),
            _bytes(leaf["parentHash"]),
            encode_u64(leaf["nextAuthoritySetID"]),
            encode_u32(leaf["nextAuthoritySetLen"]),
            _bytes(leaf["nextAuthoritySetRoot"]),
            _bytes(leaf["parachainHeadsRoot"]),
        )
    )


def _final_signer(entry: Mapping[str, Any]) -> Signer:
    numbers = [entry[part][str(place)] for part in ("r", "s") for place in range(32)]
    path = tuple(_bytes(item) for item in entry["proof"])
    return Signer(entry["index"], _bytes(entry["account"]), bytes((*numbers, entry["v"])), path)


def _signature(file: DataFile, digest: bytes, signer: Signer) -> Case:
    asked = partial(_signing_account, digest, signer.signature)
    return Case(file, f"signature {signer.index}", value(signer.account), asked)


def _signing_account(digest: bytes, signature: bytes) -> bytes:
    return address_of(recover(digest, signature, v_base=27))


def _is_member(signer: Signer, index: int, root: bytes, count: int) -> None:
    binary_merkle.verify_inclusion(root, signer.account, index=index, count=count, items=signer.path)


def _places(words: list[str]) -> Iterator[int]:
    for number, word in enumerate(words):
        yield from (number * _WORD_BITS + bit for bit in range(_WORD_BITS) if int(word) >> bit & 1)


def _first(document: Mapping[str, Any], *names: str) -> Any:
    return next((document[name] for name in names if name in document), None)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
