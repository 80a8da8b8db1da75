"""Edits that lose nothing: an answer carries its version as ETag, and an edit names the one it was made from."""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Response

from domain.errors import InvalidInput, Refusal, StaleVersion

_TAGS = re.compile(r'\s*(?:\*|(?:W/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]*")*)\s*')
_TAG = re.compile(r'\*|(?:W/)?"[^"]*"')


class PreconditionRequired(Refusal):
    code = "precondition_required"
    status = 428

    def __init__(self) -> None:
        super().__init__("an edit needs If-Match with the ETag of what you read, so that nobody's change is lost")


def portfolio_etag(version: int, revision: int) -> str:
    """Strong: what is shown changes with a ledger row or an edit, and with nothing else."""
    return f'"{version}.{revision}"'


def account_etag(revision: int) -> str:
    """Strong: what is shown changes with an edit, and with nothing else."""
    return f'"{revision}"'


class Tagged(Protocol):
    @property
    def etag(self) -> str: ...


View = TypeVar("View", bound=Tagged)


@dataclass(frozen=True, slots=True)
class Match:
    """The versions that a caller has in mind; `*` is any. A weak tag matches nothing (RFC 9110, 13.1.1)."""

    tags: frozenset[str]

    @classmethod
    def parse(cls, header: str) -> "Match":
        if not _TAGS.fullmatch(header):
            raise InvalidInput("If-Match", "must be ETags in double quotes, or *")
        return cls(frozenset(_TAG.findall(header)))

    @classmethod
    def weak(cls, header: str) -> "Match":
        """For reading, where a tag that a proxy has weakened is as good."""
        return cls(frozenset(tag.removeprefix("W/") for tag in cls.parse(header).tags))

    def admits(self, current: str) -> bool:
        return "*" in self.tags or current in self.tags

    def check(self, current: str) -> None:
        """Refuse if what is there is not what the caller has seen. Ask while holding its lock."""
        if not self.admits(current):
            raise StaleVersion(current)


_HEADER = Header(max_length=1000, description="The ETag of what you read.")


async def required_match(if_match: Annotated[str | None, _HEADER] = None) -> Match:
    if if_match is None:
        raise PreconditionRequired
    return Match.parse(if_match)


async def optional_match(if_match: Annotated[str | None, _HEADER] = None) -> Match:
    return Match.parse("*" if if_match is None else if_match)


RequiredMatch = Annotated[Match, Depends(required_match)]
OptionalMatch = Annotated[Match, Depends(optional_match)]


def tagged(view: View, response: Response) -> View:
    """`view`, with its ETag on the response."""
    response.headers["ETag"] = view.etag
    return view


def tagged_answer(answer: Response) -> Response:
    """The stored answer about a portfolio, with the ETag of what it shows."""
    shown = json.loads(bytes(answer.body))
    answer.headers["ETag"] = portfolio_etag(shown["version"], shown["revision"])
    return answer
