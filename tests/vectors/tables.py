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
)

# Judged against the specification instead of against their author.
CONTRADICT_THE_SPECIFICATION: Sequence[Row] = (
    Row(
        "bnb_bridge",
        "cometbft_light_blocks*.json",
        "*",
        "Greenfield headers have a 15th leaf and its validators two more fields: no CometBFT block hashes like that",
    ),
)

# Data that other files refer to, or that documents something, without a verdict of its own.
WITHOUT_VERDICT: Sequence[Row] = (
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
)


def find(table: Sequence[Row], suite: str, file: str, case: str = "") -> Row | None:
    for row in table:
        if row.suite == suite and fnmatchcase(file, row.file) and fnmatchcase(case, row.case):
            return row
    return None
