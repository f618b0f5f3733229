"""Submitting to an EVM host: simulated first, one multicall per transaction, one nonce per transaction for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.contract.errors import EndpointTrouble, EndpointWrong, HostRefusal, OutOfFunds, RefusedForNow
from adapters.contract.ledger import (
    Account,
    AccountState,
    ClientOnHost,
    Cost,
    Endpoint,
    Fate,
    Head,
    LedgerIdentity,
    Limits,
    Prepared,
    Signer,
    TxId,
)
from adapters.contract.messages import HostMessage, PacketMessage, Receive, Rule
from adapters.evm.chain import Chain, Header, existing, header_call
from adapters.evm.clients import read_clients
from adapters.evm.codec import encode_batch, encode_message
from adapters.evm.connection import EndpointPool
from adapters.evm.fates import agreed_end, is_end, read_fates
from adapters.evm.fees import GasPrice, check_bumped_within_cap, compute_price, compute_replacement, fit_into_cap
from adapters.evm.identity import read_identity
from adapters.evm.jsonrpc import Call, RpcFailure, expect
from adapters.evm.screening import Screening
from adapters.evm.settings import EvmSettings
from adapters.evm.transactions import (
    SignedTransaction,
    Transaction,
    account_of,
    address_of_public_key,
    decode_transaction,
    sign_transaction,
)
from adapters.evm.wire import BlockJson, data, decode_data, decode_quantity, decode_word, quantity
from proofs.commitment import ClientId, commitment_path, receipt_path
from proofs.encoding.abi import encode_call
from proofs.primitives.hashing import keccak256

# What nodes say, each in its own words, of a transaction they have or whose nonce is used: `fates` tells the rest.
_HAVE_IT: Final = ("already known", "alreadyknown", "known transaction", "already imported", "already exists")
_SLOT_USED: Final = (
    "nonce too low",
    "nonce is too low",
    "replacement transaction underpriced",
    "replacement underpriced",
)
_NO_FUNDS: Final = ("insufficient funds", "insufficient balance")
_FEE_TOO_LOW: Final = ("less than block base fee", "max fee per gas", "underpriced", "fee too low", "feecap")


@dataclass(frozen=True, slots=True)
class Pricing:
    """The newest header and what a transaction on top of it should pay."""

    header: Header
    price: GasPrice


class EvmDestination:
    """Implements adapters.contract.ledger.Destination for a host at one address."""

    def __init__(self, pool: EndpointPool, chain: Chain, settings: EvmSettings, *, host: bytes) -> None:
        self._pool = pool
        self._chain = chain
        self._settings = settings
        self._host = host
        self._needed = settings.trust.k if settings.trust is not None else 1

    @property
    def limits(self) -> Limits:
        return self._settings.limits

    @property
    def host_kind(self) -> str:
        return "evm"

    def account_of(self, public_key: bytes) -> Account:
        return account_of(address_of_public_key(public_key))

    async def identity(self) -> LedgerIdentity:
        return await read_identity(self._pool, self._settings, host=self._host)

    async def head(self) -> Head:
        return await self._chain.head()

    async def clients(self, ids: Sequence[ClientId]) -> Sequence[ClientOnHost]:
        async def use(name: Endpoint) -> list[ClientOnHost]:
            at = await self._chain.final_number(name)
            return await read_clients(self._pool, name, ids, host=self._host, at=at, variant=self._settings.variant)

        return await self._pool.attempt(use)

    async def settled(self, wanted: Sequence[PacketMessage]) -> Sequence[bool]:
        calls = [
            Call(
                "eth_call",
                (
                    {
                        "to": data(self._host),
                        "input": data(encode_call("getCommitment(bytes32)", (keccak256(_settling_path(each)),))),
                    },
                    "latest",
                ),
                decode_word,
            )
            for each in wanted
        ]
        if not calls:
            return []
        served = await self._pool.ask(calls)
        stored = [expect(answer, served.by) for answer in served.answer]
        return [any(word) == isinstance(each, Receive) for word, each in zip(stored, wanted, strict=True)]

    async def screen(self, messages: Sequence[HostMessage], account: Account) -> Sequence[Cost | HostRefusal]:
        if not messages:
            return []

        async def use(name: Endpoint) -> list[Cost | HostRefusal]:
            pricing = await self._pricing(name)
            screening = Screening(
                self._pool,
                name,
                host=self._host,
                account=account,
                on=pricing.header,
                gas_most=self.limits.gas,
                price=pricing.price,
            )
            return await screening.screen(messages)

        return await self._pool.attempt(use)

    async def prepare(
        self,
        messages: Sequence[HostMessage],
        *,
        costs: Sequence[Cost],
        signer: Signer,
        slot: int | None,
        fee_cap: int,
    ) -> Prepared:
        assert len(messages) == len(costs), "each message was screened"
        calldata = encode_batch([encode_message(message) for message in messages])
        gas = sum(cost.gas for cost in costs)
        return await self.prepare_call(self._host, calldata, gas=gas, signer=signer, slot=slot, fee_cap=fee_cap)

    async def prepare_call(
        self, to: bytes, calldata: bytes, *, gas: int, signer: Signer, slot: int | None, fee_cap: int
    ) -> Prepared:
        """Sign one call of any contract. slot None: the next that no known transaction uses."""
        sender = address_of_public_key(signer.public_key)
        if gas > self.limits.gas:
            raise RefusedForNow(Rule.TOO_LITTLE_GAS, f"needs {gas} gas, a transaction may have {self.limits.gas}")

        async def use(name: Endpoint) -> tuple[Pricing, AccountState]:
            return await self._pricing(name), await self._account(name, sender)

        pricing, state = await self._pool.attempt(use)
        price = fit_into_cap(pricing.price, gas=gas, fee_cap=fee_cap, base_fee=pricing.header.base_fee)
        nonce = state.next_pending if slot is None else slot
        assert nonce is not None, "every EVM account has a nonce"
        transaction = Transaction(
            chain_id=self._settings.chain_id,
            nonce=nonce,
            max_priority_fee=price.tip,
            max_fee=price.most,
            gas=gas,
            to=to,
            data=calldata,
        )
        check_funds(transaction, sender, balance=state.balance)
        return self._prepared(sign_transaction(transaction, signer))

    async def replace(self, raw: bytes, *, signer: Signer, fee_cap: int) -> Prepared:
        before = decode_transaction(raw)
        told = before.transaction
        assert before.sender == address_of_public_key(signer.public_key), "only its sender replaces a transaction"

        async def use(name: Endpoint) -> tuple[Pricing, AccountState]:
            return await self._pricing(name), await self._account(name, before.sender)

        pricing, state = await self._pool.attempt(use)
        price = compute_replacement(GasPrice(told.max_fee, told.max_priority_fee), pricing.price)
        check_bumped_within_cap(price, gas=told.gas, fee_cap=fee_cap)
        transaction = Transaction(
            chain_id=told.chain_id,
            nonce=told.nonce,
            max_priority_fee=price.tip,
            max_fee=price.most,
            gas=told.gas,
            to=told.to,
            data=told.data,
            value=told.value,
        )
        check_funds(transaction, before.sender, balance=state.balance)
        return self._prepared(sign_transaction(transaction, signer))

    async def broadcast(self, raw: bytes) -> None:
        """To every endpoint: one of them may keep it to itself."""
        answers = await self._pool.ask_each([Call("eth_sendRawTransaction", (data(raw),), decode_data)])
        refusals: list[EndpointTrouble | HostRefusal] = []
        for answer in answers:
            if isinstance(answer, EndpointTrouble):
                refusals.append(answer)
                continue
            refusal = _broadcast_refusal(answer.answer[0], raw)
            if refusal is None:
                return
            refusals.append(refusal)
        # The host's word says more than an endpoint's trouble.
        raise next((each for each in refusals if isinstance(each, HostRefusal)), refusals[0])

    async def fates(self, attempts: Sequence[tuple[TxId, bytes]]) -> Sequence[Fate]:
        if not attempts:
            return []
        fates = await self._pool.attempt(lambda name: self._fates_by(name, attempts))
        ended = [index for index, fate in enumerate(fates) if is_end(fate)]
        if ended and self._needed > 1:
            # What ends a submission is acted upon and never looked at again: one endpoint's word is not enough.
            for index, fate in zip(ended, await self._agreed_fates([attempts[each] for each in ended]), strict=True):
                fates[index] = fate
        return fates

    async def _fates_by(self, name: Endpoint, attempts: Sequence[tuple[TxId, bytes]]) -> list[Fate]:
        return await read_fates(self._pool, self._chain, name, attempts, host=self._host)

    async def _agreed_fates(self, attempts: Sequence[tuple[TxId, bytes]]) -> list[Fate]:
        """Ends that enough endpoints tell; whatever they do not agree upon is not decided yet."""
        told: list[list[Fate]] = []
        for answer in await asyncio.gather(
            *(self._fates_by(name, attempts) for name in self._pool.names), return_exceptions=True
        ):
            if isinstance(answer, BaseException) and not isinstance(answer, EndpointTrouble):
                raise answer
            if not isinstance(answer, BaseException):
                told.append(answer)
        return [agreed_end([each[index] for each in told], self._needed) for index in range(len(attempts))]

    async def account(self, account: Account) -> AccountState:
        address = bytes.fromhex(account[2:])
        return await self._pool.attempt(lambda name: self._account(name, address))

    async def _account(self, name: Endpoint, address: bytes) -> AccountState:
        final = await self._chain.final_number(name)
        wanted = data(address)
        served = await self._pool.ask(
            [
                Call("eth_getBalance", (wanted, "latest"), decode_quantity),
                Call("eth_getTransactionCount", (wanted, quantity(final)), decode_quantity),
                Call("eth_getTransactionCount", (wanted, "pending"), decode_quantity),
            ],
            endpoint=name,
        )
        balance, next_final, next_pending = (expect(answer, name, height=final) for answer in served.answer)
        if next_final > next_pending:
            raise EndpointWrong(name, what="pending nonce", got=next_pending, expected=f"at least {next_final}")
        return AccountState(balance, next_final, next_pending)

    async def _pricing(self, name: Endpoint) -> Pricing:
        tip_call = Call("eth_maxPriorityFeePerGas", (), decode_quantity)
        calls: list[Call[BlockJson | int | None]] = [header_call("latest"), tip_call]
        block, tip = (await self._pool.ask(calls, endpoint=name)).answer
        assert not isinstance(block, int), "each answer is decoded as its call says"
        header = existing(block, name, wanted="latest")
        suggested = tip if isinstance(tip, int) else self._settings.fees.tip_least
        return Pricing(header, compute_price(header.base_fee, suggested, self._settings.fees))

    def _prepared(self, signed: SignedTransaction) -> Prepared:
        if len(signed.raw) > self.limits.bytes:
            raise RefusedForNow(Rule.UNKNOWN, f"{len(signed.raw)} bytes, a transaction may have {self.limits.bytes}")
        return Prepared(signed.id, signed.raw, signed.transaction.nonce, signed.transaction.cost_max)


def check_funds(transaction: Transaction, sender: bytes, *, balance: int) -> None:
    """A node takes a transaction only when its sender could pay the most it can cost. Raises OutOfFunds."""
    if balance < transaction.cost_max:
        raise OutOfFunds(account_of(sender), balance, transaction.cost_max)


def _settling_path(message: PacketMessage) -> bytes:
    """Where the host stores that a receive was done, or forgets what an acknowledgement or timeout ends."""
    packet = message.packet
    if isinstance(message, Receive):
        return receipt_path(packet.dest_client, packet.sequence)
    return commitment_path(packet.source_client, packet.sequence)


def _broadcast_refusal(answer: bytes | RpcFailure, raw: bytes) -> HostRefusal | None:
    if not isinstance(answer, RpcFailure):
        return None
    said = answer.message.lower()
    if any(words in said for words in (*_HAVE_IT, *_SLOT_USED)):
        return None
    sent = decode_transaction(raw)
    if any(words in said for words in _NO_FUNDS):
        return OutOfFunds(account_of(sent.sender), 0, sent.transaction.cost_max)
    if any(words in said for words in _FEE_TOO_LOW):
        return RefusedForNow(Rule.FEE_CAP, answer.message[:200])
    return RefusedForNow(Rule.UNKNOWN, answer.message[:200])
