"""Version of the code that made a release: a hash of everything that can change a number."""

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from storage.settings import REPOSITORY

_CODE = (
    *("domain", "storage", "application", "pipelines"),
    *("dbt_project/models", "dbt_project/macros", "requirements.lock"),
)


@lru_cache(maxsize=1)
def code_version() -> str:
    """The version of the code that this process began with."""
    return computed_code_version()


def computed_code_version() -> str:
    """`<package version>+<12 hex digits>`; the digits change when any source file or locked dependency does."""
    digest = hashlib.sha256()
    for name in _CODE:
        root = REPOSITORY / name
        files = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".sql", ".yml")) or [root]
        for path in files:
            digest.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes() + b"\0")
    try:
        package = version("lakefolio")
    except PackageNotFoundError:
        package = "0"
    return f"{package}+{digest.hexdigest()[:12]}"
