"""Votes in the substrate suite: GRANDPA commits and justifications, and BEEFY as Snowbridge's relayer writes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from proofs.encoding.scale import ScaleReader
from proofs.merkle.binary_merkle import verify_inclusion
from proofs.substrate import predicates as rules
from proofs.substrate import spec
from proofs.substrate.authorities import AUTHORITIES_MAX
from proofs.substrate.beefy import predicates as beefy_rules
from proofs.substrate.beefy import spec as beefy
from proofs.substrate.beefy.messages import Commitment, Leaf, SignerSet, commitment_hash
from proofs.substrate.beefy.spec import LeafPath, MemberSignature
from proofs.substrate.justification import decode_justification
from proofs.substrate.types import Authorities, AuthoritySet, Justification, Precommit
from tests.vectors.case import ACCEPT, Case, value
from tests.vectors.files import DataFile, Files

_WORD_BITS = 256
_V_BASE = 27
_LEAST_SIGNATURES = 18


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


def beefy_cases(files: Files) -> Iterator[Case]:
    """A commitment with signers of one set, and signers of another set of the same commitment."""
    for file in files.named("beefy_snowbridge/beefy-commitment.json"):
        yield from _commitment_cases(file)
    sources = [files.one(f"beefy_snowbridge/beefy-{name}.json") for name in ("commitment", "validator-set")]
    if sources[0] is None or sources[1] is None:
        return
    commitment = _commitment_of(sources[0].json()["params"]["commitment"])
    validators = sources[1].json()
    root, size = _bytes(validators["validatorRoot"]), validators["validatorSetSize"]
    signers, claimed = SignerSet(commitment.set_id, size, root), validators["participants"]
    yield Case(sources[1], "participants", ACCEPT, partial(beefy_rules.check_quorum, len(claimed), signers))
    shown: list[MemberSignature] = []
    for file in files.named("beefy_snowbridge/beefy-final-proof.json"):
        members = [_final_member(entry) for entry in file.json()["finalValidatorsProof"]]
        yield from _member_cases(file, commitment, members, signers)
        shown = shown or members
    for file in files.named("beefy_snowbridge/beefy-final-bitfield.json"):
        drawn = tuple(_places(file.json()["final"]["finalBitField"]))
        yield _sample_case(file, commitment, shown, signers, claimed=claimed, sample=drawn)


def _commitment_cases(file: DataFile) -> Iterator[Case]:
    """The newest leaf names the next set. Where the validators stay, as here, it is the one that signs, too."""
    document = file.json()
    parameters = document["params"]
    commitment, leaf = _commitment_of(parameters["commitment"]), _leaf_of(parameters["leaf"])
    yield Case(file, "commitment hash", value(_bytes(document["commitmentHash"])), partial(commitment_hash, commitment))
    path = LeafPath(tuple(map(_bytes, parameters["leafProof"])), int(parameters["leafProofOrder"]))
    yield Case(file, "newest leaf", ACCEPT, partial(_verify_leaf, commitment, leaf, path))
    members = [_member(entry) for entry in parameters["proofs"]]
    signers = SignerSet(commitment.set_id, leaf.next_signers.length, leaf.next_signers.root)
    yield from _member_cases(file, commitment, members, signers)
    claimed = tuple(_places([int(word, 2) for word in parameters["bitfield"]]))
    sample = [each.index for each in members]
    yield _sample_case(file, commitment, members, signers, claimed=claimed, sample=sample)


def _verify_leaf(commitment: Commitment, leaf: Leaf, path: LeafPath) -> None:
    root = beefy.mmr_root_of(commitment)
    beefy.verify_leaf(leaf, path, root=root, block_number=commitment.block_number)


def _member_cases(
    file: DataFile, commitment: Commitment, members: Sequence[MemberSignature], signers: SignerSet
) -> Iterator[Case]:
    """Each by himself: his place in the set, and his signature."""
    digest = commitment_hash(commitment)
    for each in members:
        place = {"index": each.index, "count": signers.length}
        belongs = partial(verify_inclusion, signers.root, each.address, items=each.path, **place)
        yield Case(file, f"place {each.index}", ACCEPT, belongs)
        signed = partial(beefy.verify_signature, digest, each.signature, each.address)
        yield Case(file, f"signature {each.index}", ACCEPT, signed)


def _sample_case(
    file: DataFile,
    commitment: Commitment,
    members: Sequence[MemberSignature],
    signers: SignerSet,
    *,
    claimed: Collection[int],
    sample: Collection[int],
) -> Case:
    """Snowbridge demands 18 signatures more than the logarithm of the set's size, rounded up."""
    required = _LEAST_SIGNATURES + (signers.length - 1).bit_length()
    verify = partial(beefy.verify_sample, claimed=claimed, sample=sample, required=required)
    return Case(file, "sample", ACCEPT, partial(verify, commitment, members, signers))


def _commitment_of(entry: Mapping[str, Any]) -> Commitment:
    payload = tuple((each["payloadID"].encode(), _bytes(each["data"])) for each in entry["payload"])
    return Commitment(payload, entry["blockNumber"], entry["validatorSetID"])


def _leaf_of(entry: Mapping[str, Any]) -> Leaf:
    root = _bytes(entry["nextAuthoritySetRoot"])
    following = SignerSet(entry["nextAuthoritySetID"], entry["nextAuthoritySetLen"], root)
    return Leaf(entry["parentNumber"], _bytes(entry["parentHash"]), following, _bytes(entry["parachainHeadsRoot"]))


def _member(entry: Mapping[str, Any]) -> MemberSignature:
    signature = _bytes(entry["R"]) + _bytes(entry["S"]) + bytes((entry["V"] - _V_BASE,))
    return MemberSignature(entry["Index"], _bytes(entry["Account"]), tuple(map(_bytes, entry["Proof"])), signature)


def _final_member(entry: Mapping[str, Any]) -> MemberSignature:
    """r and s as 32 numbers by their place."""
    numbers = [entry[part][str(place)] for part in ("r", "s") for place in range(32)]
    signature = bytes((*numbers, entry["v"] - _V_BASE))
    return MemberSignature(entry["index"], _bytes(entry["account"]), tuple(map(_bytes, entry["proof"])), signature)


def _places(words: Sequence[int | str]) -> Iterator[int]:
    for number, word in enumerate(words):
        yield from (number * _WORD_BITS + bit for bit in range(_WORD_BITS) if int(word) >> bit & 1)


def _first(document: Mapping[str, Any], *names: str) -> Any:
    return next((document[name] for name in names if name in document), None)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
