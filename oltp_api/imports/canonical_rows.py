"""Rows that a profile's SELECT has made of a file: rows one after the other, and what is in a column at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress
from operator import not_
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class CanonicalRows:
    """Rows by canonical column. They are made while they are gone through: a list of all would be most of the memory
    that a long file takes."""

    table: pa.Table

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns in which something is."""
        return frozenset(
            name for name in self.table.column_names if self.table.column(name).null_count < self.table.num_rows
        )

    @cached_property
    def has_lines_of_several(self) -> bool:
        """Say whether two rows are of one line of the file."""
        return bool(pc.count_distinct(self.table.column("line")).as_py() < self.table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each row with all of `columns`."""
        filled = self.table.select(sorted(self.columns))
        for batch in filled.to_batches(max_chunksize=_ROWS_AT_ONCE):
            for values in zip(*map(_values, batch.columns), strict=True):
                yield dict(zip(batch.schema.names, values, strict=True))

    def distinct(self, name: str) -> Iterable[Any]:
        """Values of a column, or those in its lists, each once, in the order of the rows; of rows that are no skipped
        ones."""
        if name not in self.columns:
            return ()
        values: Iterable[Any] = self._column(name)
        if "skip" in self.columns:
            values = compress(values, map(not_, self._column("skip")))
        if pa.types.is_list(self.table.column(name).type):
            values = chain.from_iterable(filter(None, values))
        return dict.fromkeys(values)

    def _column(self, name: str) -> Iterable[Any]:
        return chain.from_iterable(map(_values, self.table.column(name).chunks))


def _values(column: pa.Array) -> list[Any]:
    """Python's values of a column; of texts, one object for all cells that say the same."""
    if not pa.types.is_string(column.type):
        return column.to_pylist()
    coded = column.dictionary_encode()
    texts = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    values: list[Any] = texts[coded.indices.fill_null(len(texts) - 1).to_numpy()].tolist()
    return values
