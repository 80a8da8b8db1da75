from ops import report

TOTAL = {"status": "PRICED", "n_stale": 0, "n_missing": 0, "n_fx_stale": 0, "n_fx_missing": 0, "stale_days": 0}


def test_a_report_says_of_every_value_how_old_it_is() -> None:
    old = {**TOTAL, "status": "MISSING", "n_stale": 2, "n_missing": 1, "n_fx_stale": 3, "stale_days": 4}

    assert report.value_status({**TOTAL, "coverage_pct": 100.0}) == "PRICED, coverage 100 %"
    assert (
        report.value_status({**old, "coverage_pct": 99.99})
        == "MISSING, 2 STALE up to 4 days, 1 MISSING, 3 at an old rate, coverage 99 %"
    )
    aged = {"status": "STALE", "stale_days": 4, "fx_status": "FX_MISSING"}
    assert report.status_of(aged) == "STALE 4 days, rate FX_MISSING"
    assert report.status_of({"status": "PRICED", "stale_days": 0, "fx_status": "PRICED"}) == "PRICED"


def test_nothing_in_a_report_has_a_minus_that_its_digits_do_not_show() -> None:
    assert (report.amount_of("-0.001"), report.percent_of(-1e-9)) == ("0.00", "0.00 %")
    assert (report.amount_of("-0.01"), report.percent_of(-0.0123)) == ("-0.01", "-1.23 %")
