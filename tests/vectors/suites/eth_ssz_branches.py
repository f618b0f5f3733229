"""Beacon SSZ branches: plain ones, ancestry of blocks, receipts and transactions, validators, historical summaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

import yaml

from proofs.encoding import rlp
from proofs.encoding.ssz import BYTES32, UINT64, ByteList, Container, List, Vector
from proofs.ethereum import ancestry, spec
from proofs.ethereum.containers import BEACON_BLOCK_HEADER, containers_of
from proofs.ethereum.execution import check_header_hash, decode_header
from proofs.ethereum.forks import MAINNET, Chain, Fork
from proofs.merkle import patricia
from proofs.merkle.ssz_branch import check_branch, concat_gindices
from tests.vectors.beacon_chains import GOERLI, without_execution
from tests.vectors.beacon_files import shared_file
from tests.vectors.beacon_json import number, raw, ssz_of
from tests.vectors.case import ACCEPT, Case, accept_if
from tests.vectors.files import DataFile, Files

HASH_BYTES: Final = 32
TRANSACTION_BYTES_MAX: Final = 1 << 30


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("branches.json"):
        for entry in file.json():
            branch = [raw(node) for node in entry["branch"]]
            given = _Branch(raw(entry["leaf"]), branch, int(entry["gindex"]), raw(entry["root"]))
            transaction = raw(entry["transaction"]) if "transaction" in entry else None
            verify = partial(_plain, given, transaction)
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.matching("axelar_end_to_end/*.json"):
        yield from _axelar_cases(file, files)
    for file in files.matching("telepathy_validator_proofs/*.json"):
        entry = file.json()
        for name, kind in _TELEPATHY.items():
            if name in entry:
                yield Case(file, name, ACCEPT, partial(kind, entry))
    for file in files.matching("portal_headers_with_proof/*.yaml"):
        yield _portal_case(file, files)
    for file in files.matching("portal_historical_summaries/*.yaml"):
        entry = yaml.safe_load(file.text())
        yield Case(file, "summaries", ACCEPT, partial(_summaries, raw(entry["content_value"]), entry))


@dataclass(frozen=True, slots=True)
class _Branch:
    leaf: bytes
    nodes: Sequence[bytes]
    gindex: int
    root: bytes

    def check(self) -> None:
        check_branch(self.leaf, self.nodes, gindex=self.gindex, root=self.root, part="vector")


def _plain(given: _Branch, transaction: bytes | None) -> None:
    if transaction is not None:
        assert ByteList(TRANSACTION_BYTES_MAX).root(transaction) == given.leaf, "the leaf is of this transaction"
    given.check()


# --- axelar: update → ancestor → transaction and receipt -----------------------------------------------------------


def _axelar_cases(file: DataFile, files: Files) -> Iterator[Case]:
    entry = file.json()
    if "update" not in entry:
        return  # a bootstrap: used below
    ((kind, update),) = entry["update"].items()
    chain = GOERLI if kind == "Optimistic" or "goerli" in file.name else MAINNET
    start = shared_file(files, f"axelar_end_to_end/{'goerli_' if chain is GOERLI else ''}bootstrap.json")
    assert start is not None, "the bootstrap of these bundles is in some root"
    for number_of_block, block in enumerate(entry["target_blocks"]):
        trusted = update["finalized_header" if "finalized_header" in update else "attested_header"]["beacon"]
        yield Case(file, f"block {number_of_block}", ACCEPT, partial(_ancestor, trusted, block, chain))
    bootstrap = start.json()
    # overflow_gindex.json is signed by a committee that the suite does not hold: only its ancestry is judged.
    if chain.period_at(number(update["signature_slot"])) == chain.period_at(_slot(bootstrap["header"])):
        yield Case(file, "update", ACCEPT, partial(_axelar_update, bootstrap, kind, update, chain))


def _slot(header: dict[str, Any]) -> int:
    return number(header["beacon"]["slot"])


def _axelar_update(start: dict[str, Any], kind: str, update: dict[str, Any], chain: Chain) -> None:
    """The bundles leave the execution part of headers out, as altair had none."""
    bare = without_execution(chain)
    containers = containers_of(Fork.ALTAIR, chain.preset)
    bootstrap = containers.bootstrap.decode(ssz_of(containers.bootstrap, _beacon_only(start)))
    root = BEACON_BLOCK_HEADER.root(bootstrap.header.beacon)
    store = spec.initialize(bootstrap, bare, trusted_block_root=root)
    container = containers.finality_update if kind == "Finality" else containers.optimistic_update
    decoded = container.decode(ssz_of(container, _beacon_only(update)))
    spec.process_update(store, decoded, bare, current_slot=decoded.signature_slot)


def _beacon_only(given: dict[str, Any]) -> dict[str, Any]:
    return {name: each["beacon"] if "header" in name else each for name, each in given.items()}


def _ancestor(trusted: dict[str, Any], block: dict[str, Any], chain: Chain) -> None:
    state: dict[str, Any] = {
        "state_root": raw(trusted["state_root"]),
        "state_slot": number(trusted["slot"]),
        "chain": chain,
    }
    target = BEACON_BLOCK_HEADER.decode(ssz_of(BEACON_BLOCK_HEADER, block["target_block"]))
    block_root = BEACON_BLOCK_HEADER.root(target)
    ((kind, proof),) = block["ancestry_proof"].items()
    if kind == "BlockRoots":
        ancestry.check_recent_block(block_root, _nodes(proof["block_root_proof"]), slot=target.slot, **state)
    else:
        summary = raw(proof["block_summary_root"])
        ancestry.check_summary(summary, _nodes(proof["block_summary_root_proof"]), slot=target.slot, **state)
        nodes = _nodes(proof["block_root_proof"])
        ancestry.check_summarized_block(block_root, nodes, slot=target.slot, summary_root=summary, chain=chain)
    for each in block["transactions_proofs"]:
        _transaction_and_receipt(each, block_root, chain.fork_at(target.slot))


def _transaction_and_receipt(given: dict[str, Any], block_root: bytes, fork: Fork) -> None:
    sent, receipt = given["transaction_proof"], given["receipt_proof"]
    index = sent["transaction_index"]
    leaf = ByteList(TRANSACTION_BYTES_MAX).root(raw(sent["transaction"]))
    gindex = ancestry.transaction_gindex(index, fork)
    check_branch(leaf, _nodes(sent["transaction_proof"]), gindex=gindex, root=block_root, part="transaction")
    receipts_root = raw(receipt["receipts_root"])
    ancestry.check_receipts_root(
        receipts_root, _nodes(receipt["receipts_root_proof"]), block_root=block_root, fork=fork
    )
    found = patricia.value_at(receipts_root, rlp.encode(rlp.int_bytes(index)), _nodes(receipt["receipt_proof"]))
    assert found, "a receipt stands at this index"


def _nodes(texts: Sequence[str]) -> list[bytes]:
    return [raw(text) for text in texts]


# --- telepathy: fields of blocks, states and validators ------------------------------------------------------------

_VALIDATORS_LIMIT: Final = 1 << 40
_VALIDATORS: Final = 11
_BALANCES: Final = 12
_VALIDATOR_FIELDS: Final = {
    "withdrawalCredentials": 1,
    "slashed": 3,
    "pending": 4,
    "activation": 5,
    "exit": 6,
}


def _state_field(field: int) -> int:
    return ancestry.state_field_gindex(field, Fork.CAPELLA)


def _number_leaf(given: Any) -> bytes:
    return number(given).to_bytes(HASH_BYTES, "little")


def _check(leaf: bytes, nodes: Sequence[str], gindex: int, root: str) -> None:
    _Branch(leaf, _nodes(nodes), gindex, raw(root)).check()


def _state_root(entry: dict[str, Any]) -> None:
    block_root = entry.get("blockHeaderRoot") or entry["headerRoot"]
    _check(raw(entry["beaconStateRoot"]), entry["beaconStateRootProof"], ancestry.STATE_ROOT_GINDEX, block_root)


def _validator(entry: dict[str, Any]) -> None:
    index = number(entry["validatorIndex"])
    gindex = concat_gindices(_state_field(_VALIDATORS), 2, _VALIDATORS_LIMIT + index)
    _check(raw(entry["validatorRoot"]), entry["validatorProof"], gindex, entry["beaconStateRoot"])
    if "pubkey" in entry:
        _check_validator_root(entry)
    for name, field in _VALIDATOR_FIELDS.items():
        if f"{name}Proof" in entry:
            given = entry[name] if name in entry else entry[f"{name}Epoch"]
            leaf = raw(given) if name == "withdrawalCredentials" else _number_leaf(given)
            _check(leaf, entry[f"{name}Proof"], 8 + field, entry["validatorRoot"])


_VALIDATOR: Final = Container(
    SimpleNamespace,
    {
        "pubkey": BYTES32,
        "withdrawalCredentials": BYTES32,
        "effectiveBalance": UINT64,
        "slashed": UINT64,
        "activationEligibilityEpoch": UINT64,
        "activationEpoch": UINT64,
        "exitEpoch": UINT64,
        "withdrawableEpoch": UINT64,
    },
)


def _check_validator_root(entry: dict[str, Any]) -> None:
    """The file gives the root of the key, not the key; a boolean's root is that of the number."""
    validator = _VALIDATOR.decode(ssz_of(_VALIDATOR, entry))
    assert _VALIDATOR.root(validator) == raw(entry["validatorRoot"]), "the root of these fields"


def _balance(entry: dict[str, Any]) -> None:
    """Four balances share a leaf."""
    index = number(entry["validatorIndex"])
    leaf = raw(entry["combinedBalance"])
    gindex = concat_gindices(_state_field(_BALANCES), 2, _VALIDATORS_LIMIT // 4 + index // 4)
    _check(leaf, entry["balanceProof"], gindex, entry["beaconStateRoot"])
    if "validatorBalance" in entry:
        at = 8 * (index % 4)
        assert UINT64.decode(leaf[at : at + 8]) == number(entry["validatorBalance"]), "the balance in this leaf"


def _deposit(entry: dict[str, Any]) -> None:
    """Field 6 of the body is a list of at most 16 deposits, each (proof, data); the key is the data's first field."""
    deposit = 16 + number(entry["depositIndex"])
    gindex = concat_gindices(ancestry.BODY_ROOT_GINDEX, 16 + 6, 2, deposit, 3, 4)
    _check(raw(entry["pubkeyHash"]), entry["pubkeyProof"], gindex, entry["headerRoot"])


def _withdrawal(entry: dict[str, Any]) -> None:
    """Field 14 of capella's payload is a list of at most 16 withdrawals (index, validator, address, amount)."""
    payload_field = ancestry.payload_field_gindex(14, Fork.CAPELLA)
    withdrawal = concat_gindices(payload_field, 2, 16 + number(entry["withdrawalIndex"]))
    for name, field in {"validatorIndex": 1, "amount": 3}.items():
        gindex = concat_gindices(withdrawal, 4 + field)
        _check(_number_leaf(entry[name]), entry[f"{name}Proof"], gindex, entry["headerRoot"])


def _eigenlayer(entry: dict[str, Any]) -> None:
    source, target = number(entry["sourceSlot"]), number(entry["targetSlot"])
    state_root = entry["sourceStateRoot"]
    _check(raw(state_root), entry["sourceStateRootProof"], ancestry.STATE_ROOT_GINDEX, entry["sourceHeaderRoot"])
    ancestry.check_recent_block(
        raw(entry["targetHeaderRoot"]),
        _nodes(entry["targetHeaderRootProof"]),
        slot=target,
        state_root=raw(state_root),
        state_slot=source,
        chain=MAINNET,
    )
    timestamp = ancestry.payload_field_gindex(9, MAINNET.fork_at(target))
    leaf = _number_leaf(entry["targetTimestamp"])
    _check(leaf, entry["targetTimestampProof"], timestamp, entry["targetHeaderRoot"])


# By the field that tells which proof a file holds.
_TELEPATHY: Final = {
    "beaconStateRootProof": _state_root,
    "validatorProof": _validator,
    "balanceProof": _balance,
    "pubkeyProof": _deposit,
    "amountProof": _withdrawal,
    "sourceStateRootProof": _eigenlayer,
}


# --- portal: execution header → beacon block → historical batch ----------------------------------------------------

_HEADER_WITH_PROOF: Final = Container(SimpleNamespace, {"header": ByteList(2048), "proof": ByteList(1024)})
_HISTORICAL_SUMMARY: Final = Container(SimpleNamespace, {"block_root": BYTES32, "state_root": BYTES32})
_SUMMARIES: Final = List(_HISTORICAL_SUMMARY, 1 << 24)
_PRE_MERGE_PROOF_BYTES: Final = 15 * HASH_BYTES


def _portal_case(file: DataFile, files: Files) -> Case:
    roots = shared_file(files, "portal_headers_with_proof/historical_roots.ssz")
    summaries, *copies = files.matching("portal_headers_with_proof/historical_summaries_at_slot_*.ssz")
    for copy in copies:
        copy.bytes()
    assert roots is not None, "the historical roots are in some root"
    history = _History(roots.bytes(), summaries.bytes())
    entry = yaml.safe_load(file.text())
    if "content_value" in entry:
        key, content = raw(entry["content_key"]), raw(entry["content_value"])
        return Case(file, "header with proof", ACCEPT, partial(history.check_content, key, content))
    block_hash = raw(entry["execution_block_header"])
    proof = SimpleNamespace(
        beacon_block_proof=_nodes(entry["beacon_block_proof"]),
        beacon_block_root=raw(entry["beacon_block_root"]),
        execution_block_proof=_nodes(entry["execution_block_proof"]),
        slot=entry["slot"],
    )
    return Case(file, "block proof", ACCEPT, partial(history.check_proof, block_hash, proof))


@dataclass(frozen=True, slots=True)
class _History:
    historical_roots: bytes
    historical_summaries: bytes

    def check_content(self, key: bytes, content: bytes) -> None:
        decoded = _HEADER_WITH_PROOF.decode(content)
        block_hash = key[1:]
        check_header_hash(decoded.header, block_hash)
        header = decode_header(decoded.header)
        if len(decoded.proof) == _PRE_MERGE_PROOF_BYTES and header.difficulty:
            return  # before the merge: the proof leads to an accumulator that the suite does not hold
        self.check_proof(block_hash, _block_proof(decoded.proof, header.timestamp))

    def check_proof(self, block_hash: bytes, proof: SimpleNamespace) -> None:
        slot, root = proof.slot, proof.beacon_block_root
        fork = MAINNET.fork_at(slot)
        ancestry.check_execution_block(block_hash, proof.execution_block_proof, block_root=root, fork=fork)
        batch = MAINNET.batch_at(slot)
        first = ancestry.first_summarized_batch(MAINNET)
        if batch < first:
            trusted = self.historical_roots[batch * HASH_BYTES :][:HASH_BYTES]
            ancestry.check_block_in_batch(
                root, proof.beacon_block_proof, slot=slot, historical_root=trusted, chain=MAINNET
            )
        else:
            trusted = self.historical_summaries[(batch - first) * 2 * HASH_BYTES :][:HASH_BYTES]
            ancestry.check_summarized_block(
                root, proof.beacon_block_proof, slot=slot, summary_root=trusted, chain=MAINNET
            )


def _block_proof(encoded: bytes, timestamp: int) -> SimpleNamespace:
    fork = MAINNET.fork_at(MAINNET.slot_at(timestamp))
    kind = Container(
        SimpleNamespace,
        {
            "beacon_block_proof": Vector(BYTES32, 14 if fork < Fork.CAPELLA else 13),
            "beacon_block_root": BYTES32,
            "execution_block_proof": Vector(BYTES32, 11 if fork < Fork.DENEB else 12),
            "slot": UINT64,
        },
    )
    return kind.decode(encoded)


def _summaries(content: bytes, entry: dict[str, Any]) -> None:
    """After 4 bytes of fork digest: epoch, summaries, and their branch to the root of a (made-up) deneb state."""
    gindex = ancestry.state_field_gindex(27, Fork.DENEB)
    depth = len(bin(gindex)) - 3
    kind = Container(SimpleNamespace, {"epoch": UINT64, "summaries": _SUMMARIES, "proof": Vector(BYTES32, depth)})
    decoded = kind.decode(content[4:])
    root = _SUMMARIES.root(decoded.summaries)
    check_branch(root, decoded.proof, gindex=gindex, root=raw(entry["beacon_state_root"]), part="summaries")
