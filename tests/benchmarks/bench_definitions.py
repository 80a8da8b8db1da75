"""Cost of loading the code location over Dagster and dagster-dbt alone, and the modules that it does not load."""

import subprocess
import sys
import time

_HEAVY = ("pandas", "yfinance", "dbt.cli", "exchange_calendars", "matplotlib")
_LOADED = f"import sys, pipelines.definitions; print([name for name in {_HEAVY!r} if name in sys.modules])"


def seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    bare = min(seconds("import dagster, dagster_dbt") for _ in "123")
    ours = min(seconds("import pipelines.definitions") for _ in "123")
    heavy = min(
        seconds("import pipelines.definitions, pandas, yfinance, dbt.cli.main, matplotlib.pyplot") for _ in "123"
    )
    loaded = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True).stdout.strip()
    print(
        f"import of pipelines.definitions: {ours / bare:.2f} times dagster and dagster_dbt alone, {heavy / ours:.2f} "
        f"times faster than with what runs need ({ours:.2f}, {bare:.2f}, {heavy:.2f} s); of {len(_HEAVY)} heavy "
        f"modules it loads {loaded}"
    )


if __name__ == "__main__":
    main()
