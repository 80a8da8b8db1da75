"""Filters by user on tables that have no policies, for the door asks them before anybody is known: each is removed."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from storage.queries import statements
from storage.settings import Settings
from tests.oltp_api.people import Person, first_code, invited, registered, served_with_accounts

QUERIES = statements("oltp_api/users/queries.sql")
FILTERS = {
    **dict.fromkeys(("sessions", "end_session", "tokens", "end_token"), "user_id = %(user_id)s"),
    **dict.fromkeys(("invitations", "end_invitation"), "invited_by = %(user_id)s"),
}


@pytest.fixture(scope="module")
def people(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Person, Person]]:
    own = settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})
    with served_with_accounts(own) as address:
        admin = registered(address, first_code(own), "admin@example.org")
        yield admin, invited(admin, "ada@example.org")


def strangers_things(admin: Person, ada: Person) -> set[str]:
    """The statements by which Ada sees or ends what is the administrator's."""
    admin.post("/tokens", {"name": "a script", "scopes": ["read"]}).raise_for_status()
    admin.post("/invitations", {}).raise_for_status()
    seen: set[str] = set()
    for things, thing in (("tokens", "token_id"), ("invitations", "invitation_id"), ("sessions", "session_id")):
        theirs: list[UUID] = [each[thing] for each in admin.get(f"/{things}").json()["items"]]
        hers = [each[thing] for each in ada.get(f"/{things}").json()["items"]]
        seen |= {things} if set(theirs) & set(hers) else set()
        status = ada.client.delete(f"/{things}/{theirs[-1]}").status_code
        seen |= {f"end_{things[:-1]}"} if status != 404 else set()
    return seen


def test_nobody_sees_or_ends_what_signs_a_stranger_in(people: tuple[Person, Person]) -> None:
    assert strangers_things(*people) == set()


@pytest.mark.parametrize(
    "statement", ["tokens", "end_token", "invitations", "end_invitation", "sessions", "end_session"]
)
def test_a_filter_that_is_removed_is_seen(
    people: tuple[Person, Person], statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last ends the administrator's session, which is the end of this module."""
    assert FILTERS[statement] in QUERIES[statement]
    monkeypatch.setitem(QUERIES, statement, QUERIES[statement].replace(FILTERS[statement], "true"))
    assert statement in strangers_things(*people)
