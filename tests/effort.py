"""How much a test tries: little in every run of the suite, much with LAKEFOLIO_CHAOS=long (`make chaos`)."""

import os

from hypothesis import settings

IS_LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
_SHARE = 8
_FEWEST = 25
_MOST = 100

settings.register_profile("short", max_examples=_FEWEST)
settings.register_profile("long", max_examples=_MOST)


def examples(count: int) -> int:
    """`count` in the long form, an eighth of it by default but 25 at least."""
    return count if IS_LONG else min(count, max(_FEWEST, count // _SHARE))
