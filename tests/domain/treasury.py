"""The sample market's Treasury yields, as the tests of curves and bonds read them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

SAMPLE = Path(__file__).parents[2] / "sample_data" / "yield_curve.parquet"


def treasury_yields() -> tuple[np.ndarray, list[int], np.ndarray]:
    """Days (n,), tenors (m,) in months and par yields (n, m) in per cent, NaN where blank."""
    columns = pq.read_table(SAMPLE).to_pydict()
    days, rows = np.unique(np.array(columns["curve_date"], dtype="datetime64[D]"), return_inverse=True)
    tenors, places = np.unique(columns["tenor_months"], return_inverse=True)
    yields = np.full((len(days), len(tenors)), np.nan)
    yields[rows, places] = [float(value) for value in columns["par_yield_pct"]]
    return days, tenors.tolist(), yields
