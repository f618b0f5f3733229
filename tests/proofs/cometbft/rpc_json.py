"""Blocks, commits and sets as CometBFT's RPC writes them in JSON, for vectors that come in this form."""

from __future__ import annotations

from base64 import b64decode
from calendar import timegm
from time import strptime
from typing import Any

from proofs.cometbft.types import (
    SECOND,
    ZERO_TIME,
    BlockId,
    BlockIdFlag,
    Commit,
    CommitSig,
    Header,
    KeyType,
    LightBlock,
    PartSetHeader,
    PublicKey,
    SignedHeader,
    Validator,
    ValidatorSet,
)

_KEY_TYPES = {"tendermint/PubKeyEd25519": KeyType.ED25519, "tendermint/PubKeySecp256k1": KeyType.SECP256K1}


def read_time(text: str) -> int:
    """RFC 3339 in UTC, to the nanosecond.

    >>> read_time("1970-01-01T00:00:01.25Z")
    1250000000
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if whole == "0001-01-01T00:00:00":
        return ZERO_TIME
    return timegm(strptime(whole, "%Y-%m-%dT%H:%M:%S")) * SECOND + int(fraction.ljust(9, "0"))


def read_block_id(json: Any) -> BlockId:
    if not json:
        return BlockId()
    parts = json.get("parts") or json.get("part_set_header") or {"total": 0, "hash": ""}
    return BlockId(_hex(json["hash"]), PartSetHeader(int(parts["total"]), _hex(parts["hash"])))


def read_header(json: Any) -> Header:
    return Header(
        chain_id=json["chain_id"],
        height=int(json["height"]),
        time=read_time(json["time"]),
        validators_hash=_hex(json["validators_hash"]),
        next_validators_hash=_hex(json["next_validators_hash"]),
        app_hash=_hex(json["app_hash"]),
        proposer_address=_hex(json["proposer_address"]),
        block_version=int(json["version"]["block"]),
        app_version=int(json["version"].get("app", 0)),
        last_block_id=read_block_id(json["last_block_id"]),
        last_commit_hash=_hex(json["last_commit_hash"]),
        data_hash=_hex(json["data_hash"]),
        consensus_hash=_hex(json["consensus_hash"]),
        last_results_hash=_hex(json["last_results_hash"]),
        evidence_hash=_hex(json["evidence_hash"]),
    )


def read_commit(json: Any) -> Commit:
    votes = tuple(
        CommitSig(
            BlockIdFlag(vote["block_id_flag"]),
            _hex(vote["validator_address"]),
            read_time(vote["timestamp"]),
            b64decode(vote["signature"] or ""),
        )
        for vote in json["signatures"] or ()
    )
    return Commit(int(json["height"]), int(json["round"]), read_block_id(json["block_id"]), votes)


def read_signed_header(json: Any) -> SignedHeader:
    return SignedHeader(read_header(json["header"]), read_commit(json["commit"]))


def read_validator(json: Any) -> Validator:
    """Genesis files say `power` where sets say `voting_power`."""
    key = PublicKey(_KEY_TYPES[json["pub_key"]["type"]], b64decode(json["pub_key"]["value"]))
    power = json.get("voting_power") or json.get("power") or 0
    return Validator(_hex(json["address"]), key, int(power), int(json.get("proposer_priority") or 0))


def read_validators(json: Any) -> ValidatorSet:
    """A set, or a plain list of validators."""
    listed = json["validators"] if isinstance(json, dict) else json
    return ValidatorSet(tuple(read_validator(each) for each in listed or ()))


def read_light_block(json: Any) -> LightBlock:
    """Header and commit side by side, or under `signed_header`."""
    return LightBlock(read_signed_header(json.get("signed_header", json)), read_validators(json["validator_set"]))


def _hex(text: str | None) -> bytes:
    return bytes.fromhex(text or "")
