"""The released parameters of the bundled market beyond what pandas recomputes: the shrunk matrix, the forward drift."""

from typing import Any

import numpy as np
import pandas as pd


def rows_of(home: Any, table: str) -> pd.DataFrame:
    """The rows in the newest release."""
    return home.lake.read(table, home.head.versions[table]).to_pandas()


def test_the_matrix_that_is_drawn_to_the_identity(platform_home) -> None:
    rows = rows_of(platform_home, "marts/security_correlation")
    wide = rows.pivot(index="security_id_a", columns="security_id_b", values="correlation_shrunk").to_numpy()
    is_pair = rows.security_id_a != rows.security_id_b

    assert rows.shrinkage.nunique() == 1
    assert set(rows.shrinkage_method) == {"LEDOIT_WOLF"}
    drawn = (1 - rows.shrinkage) * rows.correlation
    assert (rows.correlation_shrunk - drawn)[is_pair].abs().max() < 1e-15
    assert (rows.correlation_shrunk[~is_pair] == 1).all()
    assert np.linalg.eigvalsh(wide).min() > 0
    assert set(rows.psd_distance) == {0.0}


def test_no_target_is_set_against_a_unit_of_an_index(platform_home) -> None:
    rows = rows_of(platform_home, "marts/security_forward_mu")

    assert len(rows) == 6
    assert rows.is_illustrative.all()
    assert rows.mu_annual.isna().all()
    assert set(rows.status) == {"NOT_AS_TRADED"}
    assert set(rows.reason) == {"its price is TOTAL_RETURN, not what was on the screen"}
