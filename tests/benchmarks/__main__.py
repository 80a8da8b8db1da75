"""`make bench`: every measurement, one after another, each as a ratio against a named alternative in the same run."""

from tests.benchmarks import (
    bench_accounts,
    bench_bonds,
    bench_correlation,
    bench_definitions,
    bench_exports,
    bench_imports,
    bench_late_row,
    bench_observing,
    bench_one_trade,
    bench_pick_up,
    bench_positions,
    bench_refresh,
    bench_replication,
    bench_returns,
    bench_review,
    bench_simulation,
    bench_trades,
)


def main() -> None:
    benches = (
        bench_simulation,
        bench_bonds,
        bench_returns,
        bench_correlation,
        bench_definitions,
        bench_positions,
        bench_imports,
        bench_late_row,
        bench_one_trade,
        bench_replication,
        bench_exports,
        bench_refresh,
        bench_review,
        bench_pick_up,
        bench_observing,
        bench_trades,
        bench_accounts,
    )
    for bench in benches:
        print(f"\n{bench.__name__.rpartition('.')[2]}", flush=True)
        bench.main()


if __name__ == "__main__":
    main()
