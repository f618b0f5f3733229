"""What is not simply right or wrong, each with its reason. Names are shell patterns; `*` is any middle word too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Row:
    suite: str
    file: str
    case: str
    reason: str


_SPV_STEP = "a step of another project's arithmetic, whose results are judged by the functions around it"
_SPV_FIELD = "payees, amounts and fields of inputs: a proof here is about one output's script"
_RELAY_STORE = "storage and requests of a relay contract; how the product follows branches is tested with its client"
_RELAY_HEIGHTS = "a height that is told beside a header: heights are counted here, never read"
_LONG_NUMBER = "a number longer than needed, which Core refuses (serialize.h), as does its author within transactions"

# Counted apart, never as right: the product has no such operation.
NEVER_PERFORMED: Sequence[Row] = (
    Row(
        "bnb_bridge",
        "proof_op_rules*.json",
        "*",
        "a rule of the legacy amino operator list, which no client here reads",
    ),
    Row(
        "eth_mpt_proofs",
        "official_trie_tests/trietestnextprev*.json",
        "*",
        "next and previous key of a trie: no proof asks for neighbours",
    ),
    Row(
        "eth_bls12_381",
        "*/sign/*.json",
        "*",
        "signing: no ledger of ours is signed for with BLS keys",
    ),
    Row(
        "eth_bls12_381",
        "eip2537/*.json",
        "*",
        "curve arithmetic on uncompressed points: a precompile of the EVM, no step of any verification here",
    ),
    Row(
        "eth_bls12_381",
        "rfc9380_hash_to_curve/BLS12381G1_*.json",
        "*",
        "hashing to G1: Ethereum signs in G2",
    ),
    Row(
        "eth_bls12_381",
        "rfc9380_hash_to_curve/BLS12381G2_*_NU_*.json",
        "*",
        "the non-uniform encoding to G2: Ethereum's ciphersuite uses the random-oracle one",
    ),
    Row(
        "eth_bls12_381",
        "rfc9380_hash_to_curve/expand_message_*.json",
        "*",
        "an inner function of the curve library, seen only through the hash to G2",
    ),
    Row(
        "eth_consortium_headers",
        "qbft/messages*.json",
        "*",
        "what validators say to one another before a block is sealed: no client sees it",
    ),
    Row(
        "eth_headers_receipts",
        "mainnet_pow_11090290_snowbridge/*.json",
        "difficulty of a mined block",
        "the difficulty of Ethash: no ledger of ours that executes the EVM is mined",
    ),
    *(
        Row("eth_headers_receipts", "ethereum_tests/*.json", f"*: BlockException.{reason}", "shown by execution alone")
        for reason in ("INVALID_STATE_ROOT", "INVALID_RECEIPTS_ROOT", "INVALID_LOG_BLOOM", "INVALID_GAS_USED")
    ),
    Row("wycheproof", "x25519_test*.json", "*", "key agreement: nothing here shares a secret"),
    Row(
        "wycheproof",
        "bls_sig_g2_basic_verify_test*.json",
        "*",
        "ciphersuite NUL: Ethereum signs with proof of possession",
    ),
    Row("wycheproof", "bls_sig_g2_aggregate_verify_test*.json", "*", "ciphersuite NUL, as above"),
    # Bitcoin: what other projects' readers and contracts do beside verifying.
    Row("btc_headers", "bip54/coinbases*.json", "*", "lock times of coinbase transactions: rules active nowhere yet"),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "bytesToUint*", _SPV_STEP),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "determine*", _SPV_STEP),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "lastBytes*", _SPV_STEP),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "reverseEndianness*", _SPV_STEP),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "hash160*", _SPV_STEP),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractHash/*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractHashError/*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "isLegacyInput*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractInputTx*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractOutpoint*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractScriptSig*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractSequence*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractTxIndex*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractValue*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "extractOutputScriptLen*", _SPV_FIELD),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "calculateDifficulty*", _SPV_STEP),
    Row(
        "btc_spv_vectors",
        "bitcoin_spv_proofs*.json",
        "malformed/*",
        "JSON of another project: no reader here takes JSON",
    ),
    Row("btc_spv_vectors", "relays/testVectors*.json", "link.*", _RELAY_STORE),
    Row("btc_spv_vectors", "relays/testVectors*.json", "chain.*", _RELAY_STORE),
    Row("btc_spv_vectors", "relays/testVectors*.json", "requests.*", _RELAY_STORE),
    Row("btc_spv_vectors", "relays/testVectors*.json", "validator.checkRequestsFilled*", _RELAY_STORE),
    Row("btc_spv_vectors", "relays/testVectors*.json", "header.compareTargets*", _RELAY_STORE),
    Row("btc_spv_vectors", "relays/OnDemandSPVHelpers*.json", "*", _RELAY_STORE),
    Row("btc_spv_vectors", "relays/testVectors*.json", "header.validateDifficultyChange/invalid prev*", _RELAY_HEIGHTS),
    Row(
        "btc_spv_vectors", "relays/testVectors*.json", "header.validateDifficultyChange/invalid anchor*", _RELAY_HEIGHTS
    ),
    Row(
        "btc_spv_vectors",
        "relays/testVectors*.json",
        "header.validateHeaderChain/heights not consecutive*",
        _RELAY_HEIGHTS,
    ),
)

# Judged against the specification instead of against their author.
CONTRADICT_THE_SPECIFICATION: Sequence[Row] = (
    Row(
        "bnb_bridge",
        "cometbft_light_blocks*.json",
        "*",
        "Greenfield headers have a 15th leaf and its validators two more fields: no CometBFT block hashes like that",
    ),
    Row(
        "btc_headers",
        "mainnet_retarget_sparse/*",
        "height 479807",
        "a header of Bitcoin Cash, after the fork: its difficulty is not that of Bitcoin",
    ),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "parseVarInt/1", _LONG_NUMBER),
    Row("btc_spv_vectors", "bitcoin_spv_functions*.json", "parseVarInt/2", _LONG_NUMBER),
    Row(
        "btc_spv_vectors",
        "bitcoin_spv_functions*.json",
        "validateHeaderWork/0",
        "a hash of zero meets every target (Core pow.cpp); its author takes it for a missing one",
    ),
)

# Data that other files refer to, or that documents something, without a verdict of its own.
WITHOUT_VERDICT: Sequence[Row] = (
    Row("chainmaker", "cm_min.proto", "*", "field numbers, which the suite's own writer repeats"),
    Row("chainmaker", "*/LICENSE", "*", "a licence text, not a vector"),
    Row("chainmaker", "*/wx-org1/chainmaker.yml", "*", "settings of a node: ports and paths"),
    Row(
        "chainmaker",
        "*/public/node1_bc1.yml",
        "*",
        "a configuration whose nodes and keys nothing else in the suite speaks of",
    ),
    Row("chainmaker", "*/*permissioned-with-key/wx-org1_bc1.yml", "*", "as above, with keys instead of certificates"),
    Row(
        "eth_lc_spec_sync",
        "*/update_*.ssz_snappy",
        "*",
        "an update that no step names: folders of one case hold the files of two releases",
    ),
    Row("eth_consortium_headers", "genesis/*.json", "*", "genesis files of networks, without any block"),
    Row("eth_headers_receipts", "execution_apis_chain/genesis*.json", "*", "the state before the first block"),
    Row("eth_headers_receipts", "execution_apis_chain/forkenv*.json", "*", "settings of the node that made the chain"),
    Row("eth_lc_real", "*/beacon_genesis.json", "*", "the genesis of mainnet, which the product knows"),
    Row(
        "eth_lc_real",
        "*/deneb_committee_change_*.ssz",
        "*",
        "parts of the bootstrap and updates beside them, without verdicts of their own",
    ),
    Row("btc_headers", "*/readme.txt", "*", "where the files beside it come from"),
)


def find(table: Sequence[Row], suite: str, file: str, case: str = "") -> Row | None:
    for row in table:
        if row.suite == suite and fnmatchcase(file, row.file) and fnmatchcase(case, row.case):
            return row
    return None
