"""How long the next attempt to sign in waits, by a clock of the test's own."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from fastapi import Request

from oltp_api.users.signing_in import address_of
from oltp_api.users.throttle import Throttle
from storage.web.guard import WebRefusal

HERE, THERE, PROXY = "192.0.2.1", "192.0.2.2", "127.0.0.1"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def wait(throttle: Throttle, email: str, address: str) -> int:
    """Seconds that the next attempt has to wait."""
    try:
        throttle.check(email, address)
    except WebRefusal as refusal:
        return int(dict(refusal.headers)[b"retry-after"]) if refusal.code == "too_many_attempts" else -1
    return 0


def test_some_failures_are_free_and_then_the_wait_doubles_up_to_twenty_seconds_for_a_user(throttle, clock) -> None:
    waits = []
    for number in range(12):
        throttle.failed("ada@example.org", f"198.51.100.{number}")
        waits.append(wait(throttle, "Ada@example.org", THERE))
    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4] < waits[6] < waits[8]
    assert max(waits) <= 21
    clock.now += 21
    assert wait(throttle, "ada@example.org", THERE) == 0
    assert wait(throttle, "bob@example.org", THERE) == 0


def test_an_address_that_tries_many_users_waits_long_and_one_right_password_does_not_help_it(throttle, clock) -> None:
    for number in range(40):
        throttle.failed(f"{number}@example.org", HERE)
    throttle.succeeded("mine@example.org")
    assert wait(throttle, "other@example.org", HERE) > 600
    assert wait(throttle, "other@example.org", THERE) == 0


def test_a_proxys_address_is_everybodys_and_makes_nobody_wait(throttle) -> None:
    for number in range(40):
        throttle.failed(f"{number}@example.org", PROXY)
    assert wait(throttle, "other@example.org", PROXY) == 0


def test_in_a_container_all_come_from_one_address_which_is_nobodys(settings) -> None:
    def address(**more: str) -> str:
        app = SimpleNamespace(state=SimpleNamespace(settings=settings.model_copy(update=more)))
        return address_of(Request({"type": "http", "app": app, "client": ("172.18.0.1", 50_000)}))

    assert address(web_published_on="127.0.0.1") == ""
    assert address() == "172.18.0.1"


def test_who_signs_in_begins_anew_and_old_failures_are_forgotten(throttle, clock) -> None:
    for _ in range(6):
        throttle.failed("ada@example.org", PROXY)
    throttle.succeeded("ada@example.org")
    assert wait(throttle, "ada@example.org", PROXY) == 0
    for _ in range(9):
        throttle.failed("bob@example.org", HERE)
    clock.now += 3601
    throttle.failed("bob@example.org", HERE)
    assert wait(throttle, "bob@example.org", HERE) == 0


def test_a_code_counts_before_it_is_looked_at_and_waits_long(throttle, clock) -> None:
    user_id, other = uuid4(), uuid4()
    for _ in range(5):
        throttle.try_code(user_id)
    with pytest.raises(WebRefusal, match="try again in"):
        throttle.try_code(user_id)
    throttle.try_code(other)
    for _ in range(30):
        clock.now += 901
        throttle.try_code(user_id)
    clock.now += 600
    with pytest.raises(WebRefusal):
        throttle.try_code(user_id)
    throttle.code_succeeded(user_id)
    throttle.try_code(user_id)
