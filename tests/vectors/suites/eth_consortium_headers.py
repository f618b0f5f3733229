"""Headers of Clique, Istanbul, IBFT 2 and QBFT: hashes, signers, seals, quorums, and who may sign after which votes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.clique import predicates as clique
from proofs.poa.clique.spec import verify_branch, verify_checkpoint
from proofs.poa.clique.types import Parameters
from tests.proofs.poa.builders import START, Signer, clique_genesis, clique_sealed, header, listed, signer
from tests.vectors.case import Case, accept_if, value
from tests.vectors.files import Files

EIP225 = Parameters(epoch_length=30_000, period=1, confirmations=1, trusting_period=1 << 31, clock_drift=0)


def cases(files: Files) -> Iterator[Case]:
    yield from _clique(files)


def _clique(files: Files) -> Iterator[Case]:
    for file in files.named("clique/extra_data_shape.json"):
        for entry in file.json():
            extra_data = _bytes(entry["extraData"])
            judged = partial(clique.decode_extra_data, extra_data)
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), judged)
    for file in files.named("clique/rinkeby_30000.json"):
        entry = file.json()
        real = _header(entry["header"])
        yield Case(file, "hash", value(_bytes(entry["expected_hash"])), real.hash)
        yield Case(file, "signer", value(_bytes(entry["signer"])), partial(_clique_signer, real))
        in_extra = tuple(_bytes(each) for each in entry["validators_in_extra"])
        yield Case(file, "signers", value(in_extra), partial(_clique_signers, real))
        genesis = _header(entry["genesis_header"])
        genesis_signer = value(_bytes(entry["expected_genesis_signer"]))
        yield Case(file, "genesis signer", genesis_signer, partial(_checkpoint_signer, genesis))
    for file in files.named("clique/eip225_voting.json"):
        for entry in file.json():
            final = entry["final_signers"]
            names = {*_names(entry), *(final or ())}
            keys = {name: signer(name) for name in names}
            expected = accept_if(entry["expect"] == "accept")
            if expected.verdict == "accept":
                expected = value(tuple(sorted(keys[name].address for name in final)))
            scenario = {"epoch": entry["epoch"], "signers": entry["signers"], "blocks": entry["blocks"]}
            yield Case(file, entry["name"], expected, partial(_voted, scenario, keys))


def _clique_signer(sealed: ExecutionHeader) -> bytes:
    return clique.signer_of(sealed, clique.decode_extra_data(sealed.extra_data))


def _checkpoint_signer(genesis: ExecutionHeader) -> bytes:
    return verify_checkpoint(genesis, EIP225).signer


def _clique_signers(sealed: ExecutionHeader) -> tuple[bytes, ...]:
    return clique.decode_extra_data(sealed.extra_data).signers


def _names(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from entry["signers"]
    for block in entry["blocks"]:
        yield block["signer"]
        yield from filter(None, [block["voted"]])
        yield from block["checkpoint"] or ()


def _voted(scenario: Mapping[str, Any], keys: Mapping[str, Signer]) -> tuple[bytes, ...]:
    """Who may sign after the blocks of the scenario, made and sealed here with keys of our own."""
    genesis = clique_genesis([keys[name] for name in scenario["signers"]])
    parameters = replace(EIP225, epoch_length=scenario["epoch"])
    trusted, parent = verify_checkpoint(genesis, parameters), genesis
    for block in scenario["blocks"]:
        parent = _block(parent, block, keys, trusted.ballot.members)
        (trusted,) = verify_branch(trusted, [parent], parameters, now=START + 1_000_000)
    return trusted.ballot.members


def _block(
    parent: ExecutionHeader, block: Mapping[str, Any], keys: Mapping[str, Signer], members: tuple[bytes, ...]
) -> ExecutionHeader:
    by = keys[block["signer"]]
    number = parent.number + 1
    in_turn = by.address in members and members.index(by.address) == number % len(members)
    unsealed = header(
        number,
        parent_hash=parent.hash(),
        beneficiary=keys[block["voted"]].address if block["voted"] else bytes(20),
        nonce=clique.VOTE_IN if block["auth"] else clique.VOTE_OUT,
        difficulty=2 if in_turn else 1,
        extra_data=bytes(32) + listed([keys[name] for name in block["checkpoint"] or ()]) + bytes(65),
    )
    return clique_sealed(unsealed, by)


def _header(block: Mapping[str, Any]) -> ExecutionHeader:
    later: dict[str, Any] = {"base_fee_per_gas": _int(block["baseFeePerGas"])} if "baseFeePerGas" in block else {}
    return ExecutionHeader(
        parent_hash=_bytes(block["parentHash"]),
        ommers_hash=_bytes(block["sha3Uncles"]),
        beneficiary=_bytes(block["miner"]),
        state_root=_bytes(block["stateRoot"]),
        transactions_root=_bytes(block["transactionsRoot"]),
        receipts_root=_bytes(block["receiptsRoot"]),
        logs_bloom=_bytes(block["logsBloom"]),
        difficulty=_int(block["difficulty"]),
        number=_int(block["number"]),
        gas_limit=_int(block["gasLimit"]),
        gas_used=_int(block["gasUsed"]),
        timestamp=_int(block["timestamp"]),
        extra_data=_bytes(block["extraData"]),
        mix_hash=_bytes(block["mixHash"]),
        nonce=_bytes(block["nonce"]),
        **later,
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _int(text: str) -> int:
    return int(text, 16)
