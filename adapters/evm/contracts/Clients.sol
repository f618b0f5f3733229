// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { Access } from "./Access.sol";
import { ILightClient, UpdateResult } from "./Interfaces.sol";
import { CounterpartyInfo } from "./Messages.sol";
import {
    IBCClientAlreadyExists,
    IBCClientNotFound,
    IBCCounterpartyClientNotFound,
    IBCInvalidClientId,
    InvalidMerklePrefix
} from "./Refusals.sol";
import { Text } from "./Text.sol";

/// The light clients of the host and who stands on their other side.
abstract contract Clients is Access {
    event ICS02ClientAdded(string clientId, CounterpartyInfo counterpartyInfo, address client);
    event ICS02ClientMigrated(string clientId, CounterpartyInfo counterpartyInfo, address client);
    event ICS02ClientUpdated(string clientId, UpdateResult result);
    event ICS02MisbehaviourSubmitted(string clientId);

    string private constant AUTOMATIC = "client-";

    mapping(string clientId => ILightClient) private _clients;
    mapping(string clientId => CounterpartyInfo) private _counterparties;
    uint256 private _clientCount;

    /// Anybody may add a client: it binds only packets of those who choose it.
    function addClient(CounterpartyInfo calldata counterpartyInfo, address client) external returns (string memory) {
        string memory clientId = string.concat(AUTOMATIC, Text.ofNumber(_clientCount));
        _addClient(clientId, counterpartyInfo, client);
        return clientId;
    }

    /// With a chosen name, which must not look like an automatic one.
    function addClient(string calldata clientId, CounterpartyInfo calldata counterpartyInfo, address client)
        external
        onlyOwner
        returns (string memory)
    {
        bool takenForm = Text.startsWith(clientId, AUTOMATIC) || Text.startsWith(clientId, "channel-");
        require(Text.isClientId(clientId) && !takenForm, IBCInvalidClientId(clientId));
        _addClient(clientId, counterpartyInfo, client);
        return clientId;
    }

    function migrateClient(string calldata clientId, CounterpartyInfo calldata counterpartyInfo, address client)
        external
        onlyOwner
    {
        getClient(clientId); // Refused where there is nothing to replace.
        _setClient(clientId, counterpartyInfo, client);
        emit ICS02ClientMigrated(clientId, counterpartyInfo, client);
    }

    function updateClient(string calldata clientId, bytes calldata updateMsg) external returns (UpdateResult) {
        UpdateResult result = getClient(clientId).updateClient(updateMsg);
        emit ICS02ClientUpdated(clientId, result);
        return result;
    }

    function submitMisbehaviour(string calldata clientId, bytes calldata misbehaviourMsg) external {
        getClient(clientId).misbehaviour(misbehaviourMsg);
        emit ICS02MisbehaviourSubmitted(clientId);
    }

    /// The number in the next automatic name. Every client counts, whatever its name.
    function getNextClientSeq() external view returns (uint256) {
        return _clientCount;
    }

    function getClient(string memory clientId) public view returns (ILightClient) {
        ILightClient client = _clients[clientId];
        require(address(client) != address(0), IBCClientNotFound(clientId));
        return client;
    }

    function getCounterparty(string memory clientId) public view returns (CounterpartyInfo memory) {
        CounterpartyInfo memory counterparty = _counterparties[clientId];
        require(bytes(counterparty.clientId).length != 0, IBCCounterpartyClientNotFound(clientId));
        return counterparty;
    }

    function _isRestricted(bytes4 selector) internal pure virtual override returns (bool) {
        return super._isRestricted(selector) || selector == this.migrateClient.selector
            || selector == bytes4(keccak256("addClient(string,(string,bytes[]),address)"));
    }

    function _addClient(string memory clientId, CounterpartyInfo calldata counterpartyInfo, address client) private {
        require(address(_clients[clientId]) == address(0), IBCClientAlreadyExists(clientId));
        ++_clientCount;
        _setClient(clientId, counterpartyInfo, client);
        emit ICS02ClientAdded(clientId, counterpartyInfo, client);
    }

    function _setClient(string memory clientId, CounterpartyInfo calldata counterpartyInfo, address client) private {
        require(client != address(0), IBCClientNotFound(clientId));
        require(bytes(counterpartyInfo.clientId).length != 0, IBCInvalidClientId(counterpartyInfo.clientId));
        require(counterpartyInfo.merklePrefix.length != 0, InvalidMerklePrefix(counterpartyInfo.merklePrefix));
        _clients[clientId] = ILightClient(client);
        _counterparties[clientId] = counterpartyInfo;
    }
}
