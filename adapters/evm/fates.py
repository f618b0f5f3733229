"""What became of transactions: receipts of all attempts, and the nonce that is final.

The final height is read first. A transaction without a receipt whose nonce is used at that height lost its slot to
another; one whose nonce is unused may still come, also from a node we have not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Endpoint, Failed, Fate, Included, Pending, TxId, Vanished
from adapters.contract.messages import Rule
from adapters.evm.chain import Chain
from adapters.evm.codec import NOOP_EVENT
from adapters.evm.connection import EndpointPool
from adapters.evm.jsonrpc import Call, RpcFailure, expect
from adapters.evm.refusals import refusal_of
from adapters.evm.transactions import SignedTransaction, account_of, decode_transaction
from adapters.evm.wire import ReceiptJson, data, decode_data, decode_quantity, decode_receipt, number, octets, quantity
from proofs.light_client import Height

_PENDING: Final = Pending()


async def read_fates(
    pool: EndpointPool, chain: Chain, name: Endpoint, attempts: Sequence[tuple[TxId, bytes]], *, host: bytes
) -> list[Fate]:
    final = await chain.final_number(name)
    sent = [decode_transaction(raw) for _, raw in attempts]
    receipts = await _receipts(pool, name, [tx_id for tx_id, _ in attempts])
    nonces = await _final_nonces(pool, name, sorted({each.sender for each in sent}), final)
    fates: list[Fate] = []
    for transaction, receipt in zip(sent, receipts, strict=True):
        if receipt is not None:
            fates.append(await _included(pool, name, transaction, receipt, final=final, host=host))
        elif nonces[transaction.sender] > transaction.transaction.nonce:
            fates.append(Vanished(f"nonce {transaction.transaction.nonce} is final for another transaction"))
        else:
            fates.append(_PENDING)
    return fates


def is_end(fate: Fate) -> bool:
    return isinstance(fate, Vanished) or (isinstance(fate, Included | Failed) and fate.final)


def agreed_end(told: Sequence[Fate], needed: int) -> Fate:
    """The end that at least `needed` endpoints tell alike, block and fee included. Why it failed each says its own way.

    >>> agreed_end([Vanished("by one"), Pending(), Pending()], 2)
    Pending()
    """
    counts: dict[object, list[Fate]] = {}
    for fate in filter(is_end, told):
        counts.setdefault((type(fate), getattr(fate, "at", None), getattr(fate, "fee", 0)), []).append(fate)
    most = max(counts.values(), key=len, default=[])
    return most[0] if len(most) >= needed else _PENDING


async def _receipts(pool: EndpointPool, name: Endpoint, wanted: Sequence[TxId]) -> list[ReceiptJson | None]:
    calls = [Call("eth_getTransactionReceipt", (tx_id,), decode_receipt) for tx_id in wanted]
    answers = (await pool.ask(calls, endpoint=name)).answer
    receipts = [expect(answer, name) for answer in answers]
    for tx_id, receipt in zip(wanted, receipts, strict=True):
        if receipt is not None and receipt.transaction_hash.lower() != tx_id:
            raise EndpointWrong(name, what="receipt", got=receipt.transaction_hash, expected=tx_id)
    return receipts


async def _final_nonces(pool: EndpointPool, name: Endpoint, senders: Sequence[bytes], final: int) -> dict[bytes, int]:
    calls = [Call("eth_getTransactionCount", (data(each), quantity(final)), decode_quantity) for each in senders]
    answers = (await pool.ask(calls, endpoint=name)).answer
    return {sender: expect(answer, name, height=final) for sender, answer in zip(senders, answers, strict=True)}


async def _included(
    pool: EndpointPool, name: Endpoint, sent: SignedTransaction, receipt: ReceiptJson, *, final: int, host: bytes
) -> Fate:
    block = number(receipt.block_number)
    used = number(receipt.gas_used)
    fee = used * number(receipt.effective_gas_price)
    at = Height(0, block)
    if number(receipt.status) == 1:
        noops = sum(octets(log.address) == host and log.topics[:1] == ["0x" + NOOP_EVENT.hex()] for log in receipt.logs)
        return Included(at, final=block <= final, fee=fee, redundant=noops)
    rule, detail = await _why(pool, name, sent, block=block, used=used)
    return Failed(at, final=block <= final, fee=fee, rule=rule, detail=detail)


async def _why(
    pool: EndpointPool, name: Endpoint, sent: SignedTransaction, *, block: int, used: int
) -> tuple[str, str]:
    """Run it again on the state before its block: a receipt says only that it failed."""
    told = sent.transaction
    call = {"from": data(sent.sender), "to": data(told.to), "input": data(told.data), "gas": quantity(told.gas)}
    served = await pool.ask([Call("eth_call", (call, quantity(max(block - 1, 0))), decode_data)], endpoint=name)
    answer = served.answer[0]
    out_of_gas = used * 64 >= told.gas * 62
    if isinstance(answer, RpcFailure) and answer.is_reverted:
        refusal = refusal_of(answer.data, message=None, account=account_of(sent.sender), out_of_gas=out_of_gas)
        return str(getattr(refusal, "rule", Rule.UNKNOWN)), str(refusal)
    if out_of_gas:
        return Rule.TOO_LITTLE_GAS, f"used {used} of {told.gas} gas"
    return Rule.UNKNOWN, "it does not fail on the state before its block"
