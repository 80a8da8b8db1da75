import numpy as np
import pyarrow as pa

from pipelines.marts.definition import MONEY, Mart

MART = Mart(
    "Grain: one row per name.",
    {"name": (pa.string(), ""), "share": (pa.float64(), ""), "value": (MONEY, ""), "n": (pa.int32(), "")},
    key=("name",),
)


def test_what_doubles_leave_of_nothing_is_zero_and_without_a_sign() -> None:
    shares = [1e-17, -0.0, float("nan"), None, -0.25]
    names = ["a", "b", "c", "d", "e"]

    by_column = MART.table({"name": names[:3], "share": np.array(shares[:3])})
    by_row = MART.of_rows([{"name": name, "share": share} for name, share in zip(names, shares, strict=True)])

    assert str(by_column["share"].to_pylist()) == "[0.0, 0.0, None]"
    assert str(by_row["share"].to_pylist()) == "[0.0, 0.0, None, None, -0.25]"
    assert by_row["n"].null_count == len(names)
    assert MART.of_rows([]).num_rows == 0
