"""Building and signing transactions. The key stays with its holder: only the bytes to sign are handed out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.contract.errors import OutOfFunds, RefusedForEver, RefusedForNow
from adapters.contract.ledger import Prepared, Signer, TxId
from adapters.contract.messages import Rule
from adapters.embedded import wire
from adapters.embedded.pool import Pool
from adapters.embedded.wire import Msg, Tx, TxBody

SCHEME: Final = "ed25519"


async def prepare(
    pool: Pool, messages: Sequence[Msg], *, gas: int, signer: Signer, slot: int | None, fee_cap: int
) -> Prepared:
    """Raises OutOfFunds, RefusedForNow when the fee exceeds its cap."""
    price = (await pool.status()).answer.gas_price
    check_fee_cap(gas * price, fee_cap)
    sender = wire.account_of(signer.public_key)
    state = (await pool.ask(lambda node: node.account(sender))).answer
    if state.balance < gas * price:
        raise OutOfFunds(sender, state.balance, gas * price)
    sequence = state.next_pending if slot is None else slot
    body = TxBody(pool.chain_id, signer.public_key, sequence, gas, price, tuple(messages))
    return sign_body(body, signer)


def sign_body(body: TxBody, signer: Signer) -> Prepared:
    assert signer.scheme == SCHEME, "accounts of this ledger sign with ed25519"
    assert signer.public_key == body.public_key, "an account signs for itself"
    encoded = wire.encode(body)
    raw = wire.encode(Tx(encoded, signer.sign(wire.sign_bytes(encoded))))
    if len(raw) > wire.TX_BYTES_MAX:
        raise RefusedForEver(Rule.UNKNOWN, f"{len(raw)} bytes, a transaction has at most {wire.TX_BYTES_MAX}")
    return Prepared(TxId(wire.tx_id(raw)), raw, body.sequence, body.gas * body.gas_price)


def higher_price(body: TxBody, *, fee_cap: int) -> int:
    """An eighth more, at least one. Raises RefusedForNow."""
    price = body.gas_price + max(1, body.gas_price // 8)
    check_fee_cap(body.gas * price, fee_cap)
    return price


def check_fee_cap(fee: int, fee_cap: int) -> None:
    if fee > fee_cap:
        raise RefusedForNow(Rule.FEE_CAP, f"fee {fee}, cap {fee_cap}")


def read_body(raw: bytes) -> TxBody:
    """Of a transaction of our own. Raises RefusedForEver."""
    try:
        return wire.decode(wire.decode(raw, Tx).body, TxBody)
    except msgspec.DecodeError as error:
        raise RefusedForEver(Rule.UNKNOWN, f"not a transaction of this ledger: {error}") from error
