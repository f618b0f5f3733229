"""Published data of real chains and bridges in our words: GRANDPA commits and justifications, Snowbridge's BEEFY files.

A commit as nodes gossip it is compact: votes first, then signatures and keys in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs.encoding.scale import ScaleReader
from proofs.substrate.beefy.messages import Commitment, Leaf, SignerSet
from proofs.substrate.beefy.spec import LeafPath, MemberSignature
from proofs.substrate.justification import decode_justification
from proofs.substrate.spec import verify_ancestry, verify_signatures
from proofs.substrate.types import HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES, Justification, Precommit

_LIMIT = 4_096


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


# --- GRANDPA


def decode_commit(encoded: bytes) -> tuple[Justification, int]:
    """A gossiped commit, and the set id that it names. Its ancestry is what the receiver knows already."""
    reader = ScaleReader(encoded, "commit")
    round_number, set_id = reader.u64(), reader.u64()
    target = (reader.fixed(HASH_BYTES), reader.u32())
    votes = reader.vector(lambda: (reader.fixed(HASH_BYTES), reader.u32()), limit=_LIMIT)
    signed = reader.vector(lambda: (reader.fixed(SIGNATURE_BYTES), reader.fixed(KEY_BYTES)), limit=_LIMIT)
    reader.end()
    precommits = tuple(Precommit(*vote, *by) for vote, by in zip(votes, signed, strict=True))
    return Justification(round_number, *target, precommits), set_id


def verify_commit(encoded: bytes, *, set_id: int) -> None:
    """Every signature is valid for this set id, and every vote for the target or a shown descendant."""
    commit, _ = decode_commit(encoded)
    verify_votes(commit, set_id=set_id)


def verify_justification(encoded: bytes, *, set_id: int) -> None:
    verify_votes(decode_justification(encoded), set_id=set_id)


def verify_votes(commit: Justification, *, set_id: int) -> None:
    """The set itself is not published with them: who may vote, and how many must, is not asked."""
    verify_ancestry(commit)
    verify_signatures(commit, set_id=set_id)


def said(commit: Justification) -> dict[str, Any]:
    """In the words of the files, without the set id."""
    return {
        "round": commit.round,
        "target_hash": commit.target_hash,
        "target_number": commit.target_number,
        "precommits": [
            (each.target_hash, each.target_number, each.signature, each.authority) for each in commit.precommits
        ],
    }


def said_by_file(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "round": content["round"],
        "target_hash": raw(content["target_hash"]),
        "target_number": content["target_number"],
        "precommits": [
            (raw(each["target_hash"]), each["target_number"], raw(each["signature"]), raw(each["authority"]))
            for each in content["precommits"]
        ],
    }


# --- BEEFY


def commitment_of(params: Mapping[str, Any]) -> Commitment:
    """params: of a relayer's log, beefy-commitment.json."""
    said_ = params["commitment"]
    payload = tuple((each["payloadID"].encode(), raw(each["data"])) for each in said_["payload"])
    return Commitment(payload, said_["blockNumber"], said_["validatorSetID"])


def members_of(params: Mapping[str, Any]) -> list[MemberSignature]:
    return [
        MemberSignature(
            each["Index"],
            raw(each["Account"]),
            tuple(raw(item) for item in each["Proof"]),
            raw(each["R"]) + raw(each["S"]) + bytes([each["V"] - 27]),
        )
        for each in params["proofs"]
    ]


def leaf_of(params: Mapping[str, Any]) -> tuple[Leaf, LeafPath]:
    leaf = params["leaf"]
    signers = SignerSet(leaf["nextAuthoritySetID"], leaf["nextAuthoritySetLen"], raw(leaf["nextAuthoritySetRoot"]))
    made = Leaf(leaf["parentNumber"], raw(leaf["parentHash"]), signers, raw(leaf["parachainHeadsRoot"]))
    path = LeafPath(tuple(raw(each) for each in params["leafProof"]), params["leafProofOrder"])
    return made, path


def final_members(proof: Mapping[str, Any]) -> list[MemberSignature]:
    """proof: beefy-final-proof.json, where numbers of 256 bits are lists of bytes by their place."""
    return [
        MemberSignature(
            each["index"],
            raw(each["account"]),
            tuple(raw(item) for item in each["proof"]),
            _by_place(each["r"]) + _by_place(each["s"]) + bytes([each["v"] - 27]),
        )
        for each in proof["finalValidatorsProof"]
    ]


def places_of_bits(words: bytes) -> set[int]:
    """Places of ones in words of 256 bits: each counts from its lowest bit, the first word first."""
    return {
        256 * number + bit
        for number in range(len(words) // 32)
        for bit in range(256)
        if int.from_bytes(words[32 * number : 32 * number + 32], "big") >> bit & 1
    }


def final_sample(bitfield: Mapping[str, Any]) -> set[int]:
    """bitfield: beefy-final-bitfield.json, a list of words as Solidity returns it: where it begins, its length, it."""
    return places_of_bits(raw(bitfield["final"]["finalBitFieldRaw"])[64:])


def claimed_in_log(params: Mapping[str, Any]) -> set[int]:
    """Words in binary digits."""
    return places_of_bits(b"".join(int(each, 2).to_bytes(32, "big") for each in params["bitfield"]))


def signers_in_log(params: Mapping[str, Any]) -> SignerSet:
    """The log does not say who signed. Sets had not changed then: the next one has the same length and root."""
    leaf, _ = leaf_of(params)
    return SignerSet(params["commitment"]["validatorSetID"], leaf.next_signers.length, leaf.next_signers.root)


@dataclass(frozen=True, slots=True)
class FinalSample:
    """The 600 signers of Snowbridge's own tests, who sign the commitment of the log."""

    signers: SignerSet
    claimed: set[int]


def final_signers(validators: Mapping[str, Any], params: Mapping[str, Any]) -> FinalSample:
    """validators: beefy-validator-set.json."""
    set_id = params["commitment"]["validatorSetID"]
    signers = SignerSet(set_id, validators["validatorSetSize"], raw(validators["validatorRoot"]))
    return FinalSample(signers, set(validators["participants"]))


def _by_place(number: Mapping[str, int]) -> bytes:
    return bytes(number[str(place)] for place in range(len(number)))
