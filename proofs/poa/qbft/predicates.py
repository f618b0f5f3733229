"""The rules of QBFT, IBFT 2 and Istanbul, one each. Source: EEA QBFT specification; EIP-650; Besu and Quorum."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from proofs.errors import (
    DuplicateSigner,
    HeightNotIncreasing,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    UnknownHeight,
    UnknownSigner,
    ValueMismatch,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.qbft.types import Flavour, Parameters, ValidatorContract, ValidatorSource
from proofs.poa.rules import check_seconds
from proofs.poa.votes import ADDRESS_BYTES
from proofs.primitives import secp256k1

# keccak256 of "Istanbul practical byzantine fault tolerance" once; all relatives kept it. EIP-650.
BFT_MIX_DIGEST: Final = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
VOTE_IN: Final = b"\xff" * 8
VOTE_OUT: Final = bytes(8)


def check_height_increases(number: int, *, trusted: int) -> None:
    """Only what is above a trusted block can follow from it."""
    if number <= trusted:
        raise HeightNotIncreasing(got=number, trusted=trusted)


def check_gap_is_permitted(number: int, *, trusted: int, gaps: bool) -> None:
    """No seal names its chain. Where the same keys seal several, only the parent's hash tells: nothing is left out."""
    if not gaps and number != trusted + 1:
        raise UnknownHeight(0, number - 1)


def check_mix_digest(header: ExecutionHeader) -> None:
    """EIP-650: a fixed mix digest tells these blocks from all others."""
    if header.mix_hash != BFT_MIX_DIGEST:
        raise ValueMismatch("mix digest", got=header.mix_hash, expected=BFT_MIX_DIGEST)


def check_difficulty(header: ExecutionHeader) -> None:
    """EIP-650: every block weighs 1."""
    if header.difficulty != 1:
        raise ValueMismatch("difficulty", got=header.difficulty, expected=1)


def check_nonce(header: ExecutionHeader, flavour: Flavour) -> None:
    """EIP-650: Istanbul's nonce votes in or out; its successors vote elsewhere and leave it zero."""
    permitted = (VOTE_IN, VOTE_OUT) if flavour.is_istanbul else (VOTE_OUT,)
    if header.nonce not in permitted:
        raise ValueMismatch("nonce", got=header.nonce, expected="all 00, or a vote of Istanbul")


def check_validators_named(validators: tuple[bytes, ...]) -> None:
    """Where headers name the validators, each does. Nobody makes no quorum."""
    if not validators:
        raise MalformedProof("validators", got=0, expected="at least 1")


def check_validators_not_named(validators: tuple[bytes, ...]) -> None:
    """Where a contract names the validators, headers name none."""
    if validators:
        raise MalformedProof("validators", got=len(validators), expected=0)


def check_validators_differ(validators: tuple[bytes, ...]) -> None:
    """One validator named twice would make a quorum smaller than it looks."""
    if len(set(validators)) != len(validators):
        raise DuplicateSigner(next(each for each in validators if validators.count(each) > 1))


def check_proposer(proposer: bytes, validators: Collection[bytes]) -> None:
    """Only validators propose."""
    if proposer not in validators:
        raise UnknownSigner(proposer, signers="proposers")


def check_seal_count(seals: int, *, validators: int) -> None:
    """One seal for each validator at most, before the first signature is looked at."""
    if seals > validators:
        raise LimitExceeded("seals", got=seals, limit=validators)


def seal_signer(digest: bytes, seal: bytes) -> bytes:
    """The address that made a seal. Nodes count both twins of a signature. Raises InvalidSignature."""
    return secp256k1.address_of(secp256k1.recover(digest, seal, v_base=0, high_s=True))


def check_sealed_once(signers: Sequence[bytes]) -> None:
    """Nobody is counted twice, also not by two different signatures."""
    if len(set(signers)) != len(signers):
        raise DuplicateSigner(next(each for each in signers if signers.count(each) > 1))


def check_sealed_by_validators(signers: Sequence[bytes], validators: Collection[bytes]) -> None:
    """A block carries seals of its validators and of nobody else."""
    for signer in signers:
        if signer not in validators:
            raise UnknownSigner(signer, signers="validators")


def check_quorum(signed: int, *, validators: int, flavour: Flavour) -> None:
    """More faults than a third of the validators would be needed for two blocks of one height."""
    if signed < flavour.quorum(validators) or signed < 1:
        raise InsufficientVotingPower(signed, validators, signers="validators")


def check_validators_as_voted(named: Collection[bytes], expected: tuple[bytes, ...]) -> None:
    """The set changes only by votes, and all votes since the start of the epoch are known."""
    if set(named) != set(expected):
        raise ValueMismatch("validators", got=b"".join(sorted(named)), expected=b"".join(expected))


def check_trusted_quorum(signers: Sequence[bytes], trusted: tuple[bytes, ...], flavour: Flavour) -> None:
    """Over a gap the set may have changed in unknown ways: a quorum of the trusted set has to vouch for the new one."""
    signed = len(set(signers).intersection(trusted))
    if signed < flavour.quorum(len(trusted)) or signed < 1:
        raise NotEnoughTrust(signed, len(trusted))


def check_honest_member_sealed(signers: Sequence[bytes], trusted: tuple[bytes, ...]) -> None:
    """One change is believed on the word of an honest member: more of the trusted set sealed than a third may lie.

    A quorum of the changed set has enough of them, but not by Quorum's first rule, where one of three is a quorum.
    """
    signed = len(set(signers).intersection(trusted))
    if signed <= (len(trusted) - 1) // 3:
        raise NotEnoughTrust(signed, len(trusted))


def check_parameters(parameters: Parameters) -> None:
    """Numbers with which the rules mean something, and a contract exactly where validators stand in one."""
    check_seconds("epoch length", parameters.epoch_length, least=1)
    check_seconds("trusting period", parameters.trusting_period, least=1)
    check_seconds("clock drift", parameters.clock_drift, least=0)
    contract, source = parameters.contract, parameters.source
    if (contract is not None) != (source is ValidatorSource.CONTRACT):
        raise MalformedProof("validator contract", got=contract, expected=f"as {source.value} says")
    if source is not ValidatorSource.HEADER and parameters.flavour.is_istanbul:
        raise MalformedProof("validator source", got=source.value, expected="header, for Istanbul")
    if contract is not None:
        check_contract(contract)


def check_contract(contract: ValidatorContract) -> None:
    """An address, the hash of its code, and a slot of 256 bits."""
    shape = (len(contract.address), len(contract.code_hash), 0 <= contract.slot < 1 << 256)
    if shape != (ADDRESS_BYTES, 32, True):
        raise MalformedProof("validator contract", got=shape, expected=(ADDRESS_BYTES, 32, True))
