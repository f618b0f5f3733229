"""The rules of blocks and of configurations, one each. The rules of votes are in vote_rules.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.chainmaker.hashing import Hash, block_hash, check_algorithm
from proofs.chainmaker.types import ChainConfig, ConsensusState, Header, Member, MemberType, Transaction
from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import Height

WITH_CERTIFICATES: Final = "permissionedWithCert"
WITH_KEYS: Final = "permissionedWithKey"
PUBLIC: Final = "public"
TBFT: Final = 1
CONSENSUS_ROLE: Final = "CONSENSUS"
CONFIG_CONTRACT: Final = b"CHAIN_CONFIG"

_AUTH_TYPES: Final = (WITH_CERTIFICATES, WITH_KEYS, PUBLIC)
_HASH_BYTES: Final = 32
# 20 is the oldest number of version 2; 3.0 may be laid out in another way.
_VERSIONS: Final = range(20, 3_000_000)
_CONFIG_BLOCK: Final = 1


# --- a block by itself


def check_chain_id(got: str, expected: str) -> None:
    """A header names its chain, and the name is hashed."""
    if got != expected:
        raise WrongLedger("chain id", got=got, expected=expected)


def check_block_version(version: int) -> None:
    """Versions 1 and 3 lay a header out differently, or may."""
    if version not in _VERSIONS:
        raise UnsupportedProof("block version", got=version, expected="of version 2")


def check_header_shape(header: Header) -> None:
    """Every digest a chain may use has 32 bytes; only the genesis block has no predecessor."""
    names = ["block_hash", "tx_root", *(["pre_block_hash"] if header.height else [])]
    for name, value in zip(names, (header.hash, header.transaction_root, header.previous_hash), strict=False):
        if len(value) != _HASH_BYTES:
            raise MalformedProof(f"header {name}", got=len(value), expected=_HASH_BYTES)


def check_block_hash(header: Header, digest: Hash) -> None:
    """utils, CalcBlockHash: over the header without its hash and the proposer's signature."""
    computed = block_hash(header.encoded, digest)
    if computed != header.hash:
        raise RootMismatch("block hash", computed=computed, expected=header.hash)


def check_has_transactions(count: int) -> None:
    """TBFT makes no empty blocks, whose root would be no hash."""
    if count == 0:
        raise MalformedProof("header tx_count", got=0, expected="at least 1")


def check_checkpoint_hash(computed: bytes, expected: bytes) -> None:
    """The operator's word about the first block."""
    if computed != expected:
        raise RootMismatch("checkpoint block", computed=computed, expected=expected)


def check_checkpoint_height(got: int, expected: int) -> None:
    """The header handed in is of the height that the operator named."""
    if got != expected:
        raise WrongLedger("checkpoint height", got=got, expected=expected)


def check_config_hash(computed: bytes, expected: bytes) -> None:
    """The operator's word about the first configuration. SHA-256, whatever the chain uses."""
    if computed != expected:
        raise RootMismatch("checkpoint configuration", computed=computed, expected=expected)


def check_checkpoint_config_height(config_height: int, header: Header) -> None:
    """The configuration for the next block came with this block, or with the one that it names."""
    if config_height not in (header.height, header.config_height):
        raise ValueMismatch("checkpoint configuration height", got=config_height, expected=header.config_height)


def check_time_is_unsigned(time: int) -> None:
    """A negative number is no time of a chain."""
    if time < 0:
        raise MalformedProof("block timestamp", got=time, expected="0 or more")


# --- a block after its parent


def check_height_follows(header: Header, parent: ConsensusState) -> None:
    """Blocks are numbered without gaps."""
    if header.height != parent.number + 1:
        raise HeightNotIncreasing(got=header.height, trusted=parent.number)


def check_previous_hash(header: Header, parent: ConsensusState) -> None:
    """A header names the block it builds on."""
    if header.previous_hash != parent.hash:
        raise ValueMismatch("pre_block_hash", got=header.previous_hash, expected=parent.hash)


def check_time_not_backwards(header: Header, parent: ConsensusState) -> None:
    """Nodes need not check it, but absence on this ledger rests on it: time never falls. Equal seconds are usual."""
    if header.time < parent.time:
        raise TimeNotIncreasing(got=header.time, trusted=parent.time)


def check_not_from_future(time: int, *, now: int, drift: int) -> None:
    """No block is from a time that has not come yet; drift: seconds that clocks may differ."""
    if time > now + drift:
        raise HeaderFromFuture(header_time=time, now=now, drift=drift)


def check_config_height(header: Header, parent: ConsensusState) -> None:
    """Nodes take the proposer's word for it; a wrong one would name another set of validators."""
    if header.config_height != parent.config_height:
        raise ValueMismatch("pre_conf_height", got=header.config_height, expected=parent.config_height)


def check_config_alone(header: Header) -> None:
    """A transaction that changes the configuration is the only one of its block, and the block says what it is."""
    if header.transaction_count != 1:
        raise ValueMismatch("transactions of a config block", got=header.transaction_count, expected=1)
    if not header.type & _CONFIG_BLOCK:
        raise ValueMismatch("type of a config block", got=header.type, expected=_CONFIG_BLOCK)


def check_votes_where_needed(present: bool, *, needed: bool, number: int) -> None:  # noqa: FBT001 - asked by name
    """The last block of a step and every config block are voted on their own; a hash link speaks for the others."""
    if present != needed:
        raise MalformedProof(f"votes of block {number}", got=present, expected=needed)


def is_config(transaction: Transaction) -> bool:
    """utils, IsValidConfigTx: a call of the configuration contract that succeeded and returned a configuration."""
    result = transaction.result.contract_result
    is_call = transaction.payload.contract == CONFIG_CONTRACT
    return is_call and transaction.result.code == 0 and result is not None and bool(result.result)


# --- a configuration


def check_supported(config: ChainConfig) -> None:
    """TBFT alone gives a quorum certificate that this client can judge, and three modes of identity are known."""
    if config.consensus_type != TBFT:
        raise UnsupportedProof("consensus type", got=config.consensus_type, expected="TBFT")
    if config.auth_type not in _AUTH_TYPES:
        raise UnsupportedProof("auth_type", got=config.auth_type, expected=" or ".join(_AUTH_TYPES))
    check_algorithm(config.hash_name)


def check_validators(node_ids: Sequence[str], limit: int) -> None:
    """A set that is empty could never vote; one that names a node twice would make its quorum smaller than it looks."""
    if not node_ids:
        raise MalformedProof("validators", got=0, expected="at least 1")
    if len(node_ids) > limit:
        raise LimitExceeded("validators", got=len(node_ids), limit=limit)
    for number, each in enumerate(node_ids):
        if each in node_ids[:number]:
            raise DuplicateSigner(each.encode())


def check_same_chain_rules(new: ChainConfig, old: ChainConfig) -> None:
    """No method of a chain changes its hash or its way of identity: a configuration that does is none of it."""
    if new.hash_name != old.hash_name:
        raise ValueMismatch("crypto.hash", got=new.hash_name, expected=old.hash_name)
    if new.auth_type != old.auth_type:
        raise ValueMismatch("auth_type", got=new.auth_type, expected=old.auth_type)


def check_sequence_grows(new: ChainConfig, old: ChainConfig) -> None:
    """Every change counts one further: an older configuration given again would bring old validators back."""
    if new.sequence <= old.sequence:
        raise ValueMismatch("config sequence", got=new.sequence, expected=f"above {old.sequence}")


def check_root_count(count: int, limit: int) -> None:
    """Every authority costs work to try."""
    if count > limit:
        raise LimitExceeded("trust roots", got=count, limit=limit)


# --- members


def check_member_type(member: Member, permitted: tuple[MemberType, ...]) -> None:
    """The configuration says how members are known; a message cannot choose another way."""
    if member.type not in permitted:
        raise UnsupportedProof("member type", got=member.type, expected=" or ".join(each.name for each in permitted))


def check_member_organisation(got: str, expected: str) -> None:
    """A member speaks for the organisation that its certificate or its node belongs to, and says so."""
    if got != expected:
        raise ValueMismatch("organisation of a member", got=got, expected=expected)


def check_one_name(names: tuple[str, ...], part: str) -> None:
    """Two organisations or two roles in one certificate could be read in two ways."""
    if len(names) != 1:
        raise MalformedProof(f"certificate {part}", got=len(names), expected=1)


def check_node_known(owner: str | None, node_id: str) -> None:
    """With keys only, the one proof of being a validator is a node id in the configuration."""
    if owner is None:
        raise UnknownSigner(node_id.encode(), signers="validators of the configuration")


# --- the client


def check_not_frozen(frozen_at: int | None) -> None:
    """After misbehaviour nothing is believed until an operator decides."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_within_trusting_period(*, expires_at: int, now: int) -> None:
    """Keys of validators that left may have been sold: what is too old vouches for nothing new."""
    if now >= expires_at:
        raise TrustExpired(expired_at=expires_at, now=now)


def check_revision(at: Height) -> None:
    """These chains count no revisions."""
    if at.revision != 0:
        raise WrongLedger("revision", got=at.revision, expected=0)


def check_blocks_conflict(a: Header, b: Header) -> None:
    """TBFT makes one block of each height final; two of them are somebody's lie."""
    if a.height != b.height:
        raise NotMisbehaviour(f"blocks of two heights: {a.height} and {b.height}")
    if a.hash == b.hash:
        raise NotMisbehaviour("one block given twice")
