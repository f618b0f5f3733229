// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    MsgSendPacket,
    MsgVerifyMembership,
    MsgVerifyNonMembership,
    OnAcknowledgementPacketCallback,
    OnRecvPacketCallback,
    OnTimeoutPacketCallback
} from "./Messages.sol";

enum UpdateResult {
    Update,
    Misbehaviour,
    NoOp
}

/// A light client of one counterparty ledger.
interface ILightClient {
    function updateClient(bytes calldata updateMsg) external returns (UpdateResult);

    /// Reverts unless the value is at the path; returns the time of the proven height in unix seconds.
    function verifyMembership(MsgVerifyMembership calldata message) external returns (uint256);

    /// Reverts unless nothing is at the path; returns the time of the proven height in unix seconds.
    function verifyNonMembership(MsgVerifyNonMembership calldata message) external returns (uint256);

    function misbehaviour(bytes calldata misbehaviourMsg) external;

    function getClientState() external view returns (bytes memory);
}

/// An application: what the host calls when packets of its port arrive or end.
interface IIBCApp {
    function onRecvPacket(OnRecvPacketCallback calldata message) external returns (bytes memory acknowledgement);

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata message) external;

    function onTimeoutPacket(OnTimeoutPacketCallback calldata message) external;
}

/// What an application needs of its host.
interface IPacketSender {
    function sendPacket(MsgSendPacket calldata message) external returns (uint64 sequence);
}
