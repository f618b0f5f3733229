// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { IIBCApp, IPacketSender } from "../Interfaces.sol";
import {
    MsgSendPacket,
    OnAcknowledgementPacketCallback,
    OnRecvPacketCallback,
    OnTimeoutPacketCallback
} from "../Messages.sol";

/// For tests only: an application that misbehaves as told by the first byte of the value it gets.
contract UnrulyApp is IIBCApp {
    error Refused(uint64 sequence);
    error InnerCallFailed();

    IPacketSender private _host;
    bool public refusesCallbacks;
    uint256 public work;

    constructor(address hostAddress) {
        _host = IPacketSender(hostAddress);
    }

    function setRefusesCallbacks(bool refuses) external {
        refusesCallbacks = refuses;
    }

    function send(MsgSendPacket calldata message) external returns (uint64) {
        return _host.sendPacket(message);
    }

    function onRecvPacket(OnRecvPacketCallback calldata message) external returns (bytes memory) {
        bytes1 order = message.payload.value.length == 0 ? bytes1(0) : message.payload.value[0];
        if (order == "d") revert Refused(message.sequence); // with data
        if (order == "e") {
            assembly ("memory-safe") {
                revert(0, 0)
            }
        }
        if (order == "b") _burn(type(uint256).max);
        if (order == "n") return "";
        if (order == "u") return abi.encodePacked(sha256("UNIVERSAL_ERROR_ACKNOWLEDGEMENT"));
        if (order == "g") {
            // An inner call that lacks gas becomes a reason: the gas trap of every careful application.
            try this.spend(2_000_000) { }
            catch {
                revert InnerCallFailed();
            }
        }
        if (order == "r") {
            MsgSendPacket memory again;
            again.payload.sourcePort = message.payload.destPort;
            again.sourceClient = message.destinationClient;
            _host.sendPacket(again); // while receiving
        }
        return "done";
    }

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata message) external view {
        require(!refusesCallbacks, Refused(message.sequence));
    }

    function onTimeoutPacket(OnTimeoutPacketCallback calldata message) external view {
        require(!refusesCallbacks, Refused(message.sequence));
    }

    function spend(uint256 gas) external {
        _burn(gas);
    }

    function _burn(uint256 gas) private {
        uint256 start = gasleft();
        while (start - gasleft() < gas) ++work;
    }
}
