from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest

from application.analytics.review import LakeAnalyticsRepository
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.risk.limits import Limit, Measure
from domain.errors import MissingParameters, NoRelease
from domain.ports import AnalyticsRepository, SimulationParamsRepository
from domain.snapshots import SnapshotPrice
from storage.lake.delta import Lake
from tests.effort import IS_LONG
from tests.small_release import AS_OF, PORTFOLIO, SIMULATION, publish_small_release, release

D = Decimal


@pytest.fixture(scope="module")
def analytics(lake: Lake) -> LakeAnalyticsRepository:
    publish_small_release(lake)
    return LakeAnalyticsRepository.newest(lake)


@pytest.fixture(scope="module")
def params(lake: Lake, analytics: LakeAnalyticsRepository) -> LakeSimulationParamsRepository:
    return LakeSimulationParamsRepository(analytics.mounted())


@pytest.fixture
def new_lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), lock=nullcontext)


def test_cash_is_per_currency_and_has_a_value_only_with_a_rate(analytics) -> None:
    cash = {one.currency: one for one in analytics.get_cash(PORTFOLIO)}

    assert {currency: one.balance_base for currency, one in cash.items()} == {"EUR": 110, "KWD": None, "USD": 890}
    assert (cash["KWD"].fx_status, cash["KWD"].balance) == ("FX_MISSING", 3)
    assert [one.currency for one in analytics.get_cash(PORTFOLIO, date(2017, 3, 28))] == ["USD"]


def test_the_lake_answers_the_ports(analytics: LakeAnalyticsRepository, params: LakeSimulationParamsRepository) -> None:
    for_api: AnalyticsRepository = analytics
    for_simulations: SimulationParamsRepository = params

    assert for_api.release().as_of == AS_OF
    assert for_simulations.get_security_params([]) == []


def test_one_currencys_risk_free_return_is_not_anothers(analytics: LakeAnalyticsRepository) -> None:
    dollars, euros = analytics.get_risk_free("USD"), analytics.get_risk_free("EUR")

    assert dollars.values.tolist() == [0.0001, 0.0001]
    assert len(euros.days) == len(euros.values) == 0


def test_accounts_of_one_security_are_one_position(analytics: LakeAnalyticsRepository) -> None:
    aapl = analytics.get_positions(PORTFOLIO)[0]

    assert (aapl.ticker, aapl.quantity, aapl.avg_cost) == ("AAPL", 80, D("107.5"))
    assert (aapl.market_value, aapl.gain_loss, aapl.realised) == (9_680, 1_080, 7)


def test_a_position_without_a_price_has_a_status_and_no_value(analytics: LakeAnalyticsRepository) -> None:
    by_ticker = {position.ticker: position for position in analytics.get_positions(PORTFOLIO)}

    assert (by_ticker["GHOST"].status, by_ticker["GHOST"].market_value) == ("MISSING", None)
    assert (by_ticker["MSFT"].status, by_ticker["MSFT"].stale_days) == ("STALE", 1)


def test_positions_of_an_earlier_day_are_those_of_that_day(analytics: LakeAnalyticsRepository) -> None:
    (aapl,) = analytics.get_positions(PORTFOLIO, date(2017, 3, 28))

    assert (aapl.quantity, aapl.close, aapl.business_date) == (50, 110, date(2017, 3, 28))


def test_a_day_after_the_last_one_with_prices_shows_the_last_one(analytics: LakeAnalyticsRepository) -> None:
    assert analytics.get_positions(PORTFOLIO, date(2030, 1, 1)) == analytics.get_positions(PORTFOLIO, AS_OF)


def test_values_are_of_the_days_asked_for(analytics: LakeAnalyticsRepository) -> None:
    days = [value.business_date.day for value in analytics.get_values(PORTFOLIO, date(2017, 3, 28), None)]

    assert days == [28, 29]
    assert [value.total_value for value in analytics.get_values(PORTFOLIO, None, date(2017, 3, 27))] == [10_000]


def test_series_are_of_the_portfolio_its_accounts_and_its_positions(analytics: LakeAnalyticsRepository) -> None:
    found = analytics.get_subject_series([str(PORTFOLIO)])
    assert found is not None

    gains = [found.gains[found.panel.offsets[i] : found.panel.offsets[i + 1]].tolist() for i in range(3)]
    assert [subject.level for subject in found.subjects] == ["PORTFOLIO", "POSITION", "ACCOUNT"]
    assert gains == [[0.0, 500.0, 580.0], [500.0, 580.0], [500.0, 580.0]]


def test_an_unknown_portfolio_has_empty_answers(analytics: LakeAnalyticsRepository) -> None:
    stranger = uuid4()

    assert analytics.get_positions(stranger) == []
    assert analytics.get_values(stranger, None, None) == []
    assert analytics.get_series([str(stranger)]) == {}
    assert analytics.get_subject_series([str(stranger)]) is None
    assert analytics.get_simulation_fan(stranger) == []


def test_the_price_of_a_day_without_one_is_the_last_before_it(analytics: LakeAnalyticsRepository) -> None:
    price = analytics.get_price_for_date("MSFT", AS_OF)

    assert price is not None
    assert (price.close, price.price_date, price.asked) == (40, date(2017, 3, 28), AS_OF)
    assert analytics.get_price_for_date("MSFT", date(2017, 3, 26)) is None
    assert analytics.get_price_for_date("GHOST", AS_OF) is None


def test_tickers_have_details_and_performance_where_there_is_any(analytics: LakeAnalyticsRepository) -> None:
    details = analytics.get_ticker_details(["AAPL", "GHOST", "NOPE"])
    performance = analytics.get_performance_for_tickers(["AAPL", "MSFT", "GHOST"])

    assert details.keys() == {"AAPL", "GHOST"}
    assert details["AAPL"].last_price_date == AS_OF
    assert performance["AAPL"].total_return == pytest.approx(0.21)
    assert performance["MSFT"].volatility_annual == 0.30
    assert "GHOST" not in performance


def test_correlation_extremes_are_the_pairs_that_have_one(analytics: LakeAnalyticsRepository) -> None:
    assert analytics.get_correlation_extremes(["MSFT", "AAPL", "GHOST"]) == (("AAPL", "MSFT", 0.4),)
    assert analytics.get_correlation_extremes([]) == ()


def test_the_fan_is_that_of_the_newest_run_in_order(analytics: LakeAnalyticsRepository) -> None:
    fan = analytics.get_simulation_fan(SIMULATION)

    assert [(row["step"], row["p5"]) for row in fan] == [(0, 100), (1, 80)]


def test_without_a_release_every_question_is_refused(new_lake: Lake) -> None:
    analytics = LakeAnalyticsRepository.newest(new_lake)

    with pytest.raises(NoRelease):
        analytics.release()
    with pytest.raises(NoRelease):
        analytics.get_positions(PORTFOLIO)


def test_a_table_that_a_release_has_not_got_is_an_empty_answer(new_lake: Lake) -> None:
    publish_small_release(new_lake, without=("marts/fact_position_daily", "simulation/simulation_fan"))
    analytics = LakeAnalyticsRepository.newest(new_lake)

    assert analytics.get_positions(PORTFOLIO) == []
    assert analytics.get_simulation_fan(SIMULATION) == []
    assert len(analytics.get_values(PORTFOLIO, None, None)) == 3


def test_a_new_release_is_seen_at_once_and_a_pinned_one_stays(new_lake: Lake) -> None:
    analytics = LakeAnalyticsRepository.newest(new_lake)
    first = publish_small_release(new_lake)
    pinned = analytics.pinned()
    second = release(new_lake, {"marts/dim_security": 0})

    assert analytics.release().release_id == second.release_id > first.release_id
    assert analytics.get_positions(PORTFOLIO) == []
    assert pinned.release().release_id == first.release_id
    assert len(pinned.get_positions(PORTFOLIO)) == 3


def test_many_threads_ask_while_releases_are_made(new_lake: Lake) -> None:
    publish_small_release(new_lake)
    analytics = LakeAnalyticsRepository.newest(new_lake)

    def ask(_: int) -> int:
        return len(analytics.pinned().get_positions(PORTFOLIO))

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(ask, range(200 if IS_LONG else 100))
        for _ in range(3 if IS_LONG else 2):
            publish_small_release(new_lake)
        assert set(answers) == {3}


def test_parameters_come_in_the_order_asked(params: LakeSimulationParamsRepository) -> None:
    found = params.get_security_params([2, 1])

    assert [(security.ticker, security.mu_annual, security.volatility_annual) for security in found] == [
        ("MSFT", 0.05, 0.30),
        ("AAPL", 0.08, 0.25),
    ]
    assert params.get_correlation([2, 1]) == [[1.0, 0.4], [0.4, 1.0]]


def test_securities_without_parameters_are_refused_by_name(params: LakeSimulationParamsRepository) -> None:
    with pytest.raises(MissingParameters) as refusal:
        params.get_security_params([1, 3, 99])
    assert refusal.value.facts == {"securities": ["GHOST", "security 99"]}

    with pytest.raises(MissingParameters) as refusal:
        params.get_correlation([1, 3])
    assert refusal.value.facts == {"securities": ["AAPL", "GHOST"]}


def test_historical_returns_are_on_common_dates(params: LakeSimulationParamsRepository) -> None:
    history = params.get_historical_returns(["MSFT", "AAPL"])

    assert history.dates == (date(2017, 3, 28),)
    assert history.returns == ((-0.2231,), (0.0953,))
    with pytest.raises(MissingParameters):
        params.get_historical_returns(["AAPL", "GHOST"])


def test_quotes_are_the_last_closes_and_name_the_refresh_they_are_from(analytics: LakeAnalyticsRepository) -> None:
    quotes = analytics.get_quotes()

    assert quotes.release_id == 1 < analytics.release().release_id
    assert quotes.by_security == {
        1: SnapshotPrice("AAPL", D(121), AS_OF),
        2: SnapshotPrice("MSFT", D(40), date(2017, 3, 28)),
    }


def test_quotes_are_as_old_as_their_tables_and_new_when_these_come_back(new_lake: Lake) -> None:
    base = publish_small_release(new_lake).versions
    prices, values = "marts/fact_price_daily", "marts/fact_portfolio_value_daily"
    other, shorter = (new_lake.publish(table, new_lake.read(table).slice(1)).version for table in (prices, values))
    analytics = LakeAnalyticsRepository.newest(new_lake)
    named = []
    for versions in (base, {**base, values: shorter}, {**base, prices: other}, base, base):
        refresh = release(new_lake, versions)
        named.append((refresh.made_from, analytics.get_quotes().release_id))

    first = named[0][1]
    assert first <= named[0][0]
    assert [since for _, since in named] == [first, first, named[2][0], named[3][0], named[3][0]]


def test_a_bonds_close_is_of_100_of_face_and_a_price_is_not_lost_with_its_ticker(new_lake: Lake) -> None:
    publish_small_release(new_lake)
    securities = pa.table({"security_id": [1], "ticker": ["US912810TM09"], "asset_type": ["BOND"]})
    version = new_lake.publish("marts/dim_security", securities).version
    release(new_lake, {"marts/dim_security": version, "marts/fact_price_daily": 0})

    quotes = LakeAnalyticsRepository.newest(new_lake).get_quotes().by_security

    assert (quotes[1].ticker, quotes[1].units) == ("US912810TM09", 100)
    assert (quotes[2].ticker, quotes[2].units) == ("2", 1)


def test_limits_are_of_the_portfolios_that_have_their_own_and_an_older_release_has_none(new_lake: Lake) -> None:
    versions = dict(publish_small_release(new_lake).versions)
    assert LakeAnalyticsRepository.newest(new_lake).get_limits([str(PORTFOLIO)]) == {}

    own = '[{"dimension": "issuer", "measure": "HHI", "warn_at": 0.1, "breach_at": 0.2}]'
    rows = [
        {"portfolio_id": str(PORTFOLIO), "base_currency": "USD", "version": 1, "limits": own},
        {"portfolio_id": str(SIMULATION), "base_currency": "USD", "version": 1, "limits": None},
    ]
    versions["raw/pg_portfolio"] = new_lake.publish("raw/pg_portfolio", pa.Table.from_pylist(rows)).version
    release(new_lake, versions)

    found = LakeAnalyticsRepository.newest(new_lake).get_limits([str(PORTFOLIO), str(SIMULATION)])
    assert found == {str(PORTFOLIO): [Limit("issuer", Measure.HHI, 0.1, 0.2)]}
