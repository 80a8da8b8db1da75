"""What happens when a security is registered or completed: ask the domain, then add what is missing."""

from collections.abc import Mapping
from typing import Any

from domain.commands import AddIdentifier, DescribeSecurity, RegisterSecurity
from domain.currencies import parse_currency
from domain.errors import InvalidInput
from domain.securities import (
    AnyDetails,
    BondDetails,
    EquityDetails,
    FundDetails,
    KnownIdentifier,
    Security,
    completed,
    joined,
    usual_price_kind,
)
from oltp_api.unit_of_work import UnitOfWork


def register_security(command: RegisterSecurity, work: UnitOfWork) -> Security:
    """The registered security; AlreadyExists if one of its identifiers has a meaning already."""
    if not command.identifiers:
        raise InvalidInput("ticker", "or isin or cusip is required")
    known: list[KnownIdentifier] = []
    for identifier in command.identifiers:
        known.append(joined(identifier, known))
    security = Security(
        0,
        command.identifiers[0].value,
        command.asset_type,
        parse_currency(command.currency),
        command.display_name,
        command.price_kind or usual_price_kind(command.asset_type),
    )
    added = work.securities.add(security, command.identifiers)
    describe_security(added, command.described, work)
    return added


def add_identifier(command: AddIdentifier, work: UnitOfWork) -> Security:
    """The security under one name more; what the others mean is not touched."""
    security = work.securities.lock(command.security)
    known = work.securities.identifiers(security.security_id)
    new = joined(command.identifier, known, command.valid_from, command.valid_to)
    work.securities.add_identifier(security.security_id, new)
    return security


def complete_details(identifier: str, described: DescribeSecurity, work: UnitOfWork) -> Security:
    """The security with the details that it lacked; all of them, or none if one is known otherwise."""
    security = work.securities.lock(identifier)
    describe_security(security, described, work)
    return security


def describe_security(security: Security, described: DescribeSecurity, work: UnitOfWork) -> None:
    _complete(security, EquityDetails, described.equity, work)
    _complete(security, FundDetails, described.fund, work)
    _complete(security, BondDetails, described.bond, work)


def _complete(security: Security, kind: type[AnyDetails], given: Mapping[str, Any], work: UnitOfWork) -> None:
    if any(value is not None for value in given.values()):
        known = work.securities.details(security.security_id, kind)
        work.securities.save_details(security.security_id, completed(kind, security.asset_type, known, given))
