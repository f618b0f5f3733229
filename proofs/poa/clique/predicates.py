"""The rules of Clique, one each. Source: EIP-225."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.errors import (
    DuplicateSigner,
    MalformedProof,
    NotYetFinal,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.clique.types import NOBODY, Parameters, Signed
from proofs.poa.headers import hash_with_extra
from proofs.poa.rules import check_seconds
from proofs.poa.votes import ADDRESS_BYTES, check_member_count
from proofs.primitives import secp256k1

VANITY_BYTES: Final = 32
SEAL_BYTES: Final = 65
IN_TURN: Final = 2
NO_TURN: Final = 1
VOTE_IN: Final = b"\xff" * 8
VOTE_OUT: Final = bytes(8)
_NO_MIX: Final = bytes(32)
# Half of what one evidence holds: the other half makes progress.
CONFIRMATIONS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class ExtraData:
    """signers: in the order of the header; empty in every block that is no checkpoint."""

    vanity: bytes
    signers: tuple[bytes, ...]
    seal: bytes


def decode_extra_data(extra_data: bytes) -> ExtraData:
    """Vanity (32) ‖ signers (20 each) ‖ seal (65). Raises MalformedProof, LimitExceeded."""
    check_extra_data_length(extra_data)
    between = extra_data[VANITY_BYTES:-SEAL_BYTES]
    signers = tuple(between[at : at + ADDRESS_BYTES] for at in range(0, len(between), ADDRESS_BYTES))
    check_member_count(len(signers))
    return ExtraData(extra_data[:VANITY_BYTES], signers, extra_data[-SEAL_BYTES:])


def check_extra_data_length(extra_data: bytes) -> None:
    """EIP-225: "minimum 32 + 65 bytes", and whole addresses between."""
    least = VANITY_BYTES + SEAL_BYTES
    if len(extra_data) < least or (len(extra_data) - least) % ADDRESS_BYTES:
        raise MalformedProof("extra data", got=len(extra_data), expected=f"{least} bytes and 20 per signer")


def check_fork_has_seals(header: ExecutionHeader) -> None:
    """The seal covers the fields up to the base fee; no client of Clique defines it for later forks."""
    if header.withdrawals_root is not None:
        raise UnsupportedProof("fork of a Clique header", got="withdrawals", expected="London or before")


def signer_of(header: ExecutionHeader, extra: ExtraData) -> bytes:
    """The address that sealed the header, whoever that is. Raises InvalidSignature.

    A node counts both twins of a signature, so a stranger can make a second valid seal of one header: two blocks
    with one `seal_hash` are no sign of a signer that broke a rule.
    """
    return secp256k1.address_of(secp256k1.recover(seal_hash(header), extra.seal, v_base=0, high_s=True))


def seal_hash(header: ExecutionHeader) -> bytes:
    """EIP-225: what is signed is the header without the signature at the end of its extra data."""
    return hash_with_extra(header, header.extra_data[:-SEAL_BYTES])


def check_mix_digest(header: ExecutionHeader) -> None:
    """EIP-225: "Reserved for fork protection logic", zero."""
    if header.mix_hash != _NO_MIX:
        raise ValueMismatch("mix digest", got=header.mix_hash, expected=_NO_MIX)


def check_vote_nonce(header: ExecutionHeader) -> None:
    """EIP-225: the nonce says in or out, and nothing between."""
    if header.nonce not in (VOTE_IN, VOTE_OUT):
        raise ValueMismatch("vote nonce", got=header.nonce, expected="all ff or all 00")


def check_checkpoint_votes_for_nobody(header: ExecutionHeader) -> None:
    """EIP-225: at a checkpoint beneficiary and nonce "must be filled with zeroes"."""
    if header.beneficiary != NOBODY or header.nonce != VOTE_OUT:
        raise ValueMismatch("vote at a checkpoint", got=header.beneficiary + header.nonce, expected="zeros")


def check_listed_signers(listed: tuple[bytes, ...], expected: tuple[bytes, ...]) -> None:
    """EIP-225: a checkpoint lists the signers, ascending; every other block none."""
    if listed != expected:
        raise ValueMismatch("listed signers", got=b"".join(listed), expected=b"".join(expected))


def check_may_sign(signer: bytes, signers: tuple[bytes, ...]) -> None:
    """Only an authorised signer seals."""
    if signer not in signers:
        raise UnknownSigner(signer, signers="of the chain")


def check_has_waited(signer: bytes, recents: Sequence[Signed]) -> None:
    """EIP-225, SIGNER_LIMIT: one of any floor(n/2) + 1 consecutive blocks, so that no minority makes a chain."""
    if any(each.signer == signer for each in recents):
        raise DuplicateSigner(signer)


def check_difficulty(difficulty: int, signer: bytes, *, number: int, signers: tuple[bytes, ...]) -> None:
    """EIP-225: 2 in turn (number modulo signers is one's place in the ascending list), 1 otherwise. signers: of whom
    `signer` is one.
    """
    in_turn = signers.index(signer) == number % len(signers)
    if difficulty != (expected := IN_TURN if in_turn else NO_TURN):
        raise ValueMismatch("difficulty", got=difficulty, expected=expected)


def check_confirmations(descendants: int, *, needed: int) -> None:
    """The depth that an operator wants before he calls a block final."""
    if descendants < needed:
        raise NotYetFinal("confirmations", got=descendants, needed=needed)


def is_majority(builders: set[bytes], signers: tuple[bytes, ...]) -> bool:
    return 2 * len(builders.intersection(signers)) > len(signers)


def check_majority_built_on(builders: set[bytes], signers: tuple[bytes, ...]) -> None:
    """More than half of the signers of a block's set sealed descendants of it: a minority never makes it final."""
    if not is_majority(builders, signers):
        raise NotYetFinal("signers that built on it", len(builders.intersection(signers)), len(signers) // 2 + 1)


def check_heavier(total_difficulty: int, *, heaviest: int) -> None:
    """EIP-225: nodes follow the chain of most total difficulty, so no lighter one than we saw is final."""
    if total_difficulty <= heaviest:
        raise NotYetFinal("total difficulty", got=total_difficulty, needed=heaviest + 1)


def check_is_checkpoint(number: int, *, epoch_length: int) -> None:
    """Only a checkpoint lists the signers and leaves no vote open: a client starts at one."""
    if number % epoch_length:
        raise UnsupportedProof("block to start from", got=number, expected=f"a multiple of {epoch_length}")


def check_parameters(parameters: Parameters) -> None:
    """Numbers with which the rules mean something. Confirmations are limited by what one evidence can carry."""
    check_seconds("epoch length", parameters.epoch_length, least=1)
    check_seconds("period", parameters.period, least=0)
    check_seconds("trusting period", parameters.trusting_period, least=1)
    check_seconds("clock drift", parameters.clock_drift, least=0)
    if not 1 <= parameters.confirmations <= CONFIRMATIONS_MAX:
        raise MalformedProof("confirmations", got=parameters.confirmations, expected=f"1 to {CONFIRMATIONS_MAX}")
