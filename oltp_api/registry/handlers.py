"""Commands to the security registry: ask the domain, then add what is missing, or take an identifier back."""

from collections.abc import Mapping
from typing import Any

from domain.bond_terms import BondDetails
from domain.commands import AddIdentifier, DescribeSecurity, RegisterSecurity, WithdrawIdentifier
from domain.currencies import parse_currency
from domain.errors import InvalidInput
from domain.securities import (
    AnyDetails,
    EquityDetails,
    FundDetails,
    IdentifierType,
    KnownIdentifier,
    Security,
    completed,
    joined,
    usual_price_kind,
)
from oltp_api.registry.listing import listing
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork


def register_security(command: RegisterSecurity, work: UnitOfWork) -> Security:
    """The registered security; AlreadyExists if one of its identifiers has a meaning already."""
    if not command.identifiers:
        raise InvalidInput("ticker", "or isin or cusip is required")
    known: list[KnownIdentifier] = []
    for identifier in command.identifiers:
        listing().refuse(identifier, {each.value for each in command.identifiers})
        known.append(joined(identifier, known))
    security = Security(
        0,
        command.identifiers[0].value,
        command.asset_type,
        parse_currency(command.currency),
        command.display_name,
        command.price_kind or usual_price_kind(command.asset_type),
    )
    added = Securities(work).add(security, command.identifiers, command.user_id)
    describe_security(added, command.described, work)
    return added


def add_identifier(command: AddIdentifier, work: UnitOfWork) -> Security:
    """The security under one name more; what the others mean is not touched."""
    security = Securities(work).lock(command.security)
    known = Securities(work).identifiers(security.security_id)
    new = joined(command.identifier, known, command.valid_from, command.valid_to)
    names = {each.identifier.value for each in known if each.identifier.id_type is IdentifierType.TICKER}
    listing().refuse(command.identifier, names, is_current=new.valid_to is None)
    Securities(work).add_identifier(security.security_id, new, command.user_id)
    return security


def withdraw_identifier(command: WithdrawIdentifier, work: UnitOfWork) -> Security:
    """The security without the identifier, which its adder has taken back; what was recorded meanwhile keeps it."""
    security = Securities(work).lock(command.security, for_withdrawal=True)
    withdrawal = Securities(work).withdrawal(security, command.identifier)
    withdrawal.refuse(command.user_id)
    Securities(work).withdraw(security.security_id, command.identifier)
    return security


def complete_details(identifier: str, described: DescribeSecurity, work: UnitOfWork) -> Security:
    """The security with the details that it lacked; all of them, or none if one is known otherwise."""
    security = Securities(work).lock(identifier)
    describe_security(security, described, work)
    return security


def describe_security(security: Security, described: DescribeSecurity, work: UnitOfWork) -> None:
    _complete(security, EquityDetails, described.equity, work)
    _complete(security, FundDetails, described.fund, work)
    _complete(security, BondDetails, described.bond, work)


def _complete(security: Security, kind: type[AnyDetails], given: Mapping[str, Any], work: UnitOfWork) -> None:
    if any(value is not None for value in given.values()):
        known = Securities(work).details(security.security_id, kind)
        Securities(work).save_details(security.security_id, completed(kind, security.asset_type, known, given))
