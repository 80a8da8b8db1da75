"""A state folder belongs to one market."""

import pytest

from storage.errors import SetupError
from storage.postgres.installation import claim_market


def test_the_first_market_stays(new_database) -> None:
    database = new_database()
    claim_market(database, "sample")
    claim_market(database, "sample")

    with pytest.raises(SetupError, match="made with MARKET_SOURCE=sample"):
        claim_market(database, "as_traded")
    claim_market(database, "sample")
