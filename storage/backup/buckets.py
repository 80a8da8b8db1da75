"""A lake in a bucket as files: what a backup copies from it, and how a backup is put into one."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.lake import s3
from storage.settings import Settings

_LOG, _HINT = "/_delta_log/", "/_last_checkpoint"


@dataclass(frozen=True, slots=True)
class Bucket:
    """The objects below `prefix`; their names here are relative to it, as a file's to the lake's folder."""

    boto: Any
    name: str
    prefix: str

    def size(self) -> int:
        return sum(size for _, size in self._listed())

    def has_tables(self) -> bool:
        return any(_LOG in name for name, _ in self._listed())

    def download_logs(self, into: Path) -> None:
        """Every table's log. A hint is read before the listing, so that the checkpoint it points to is listed."""
        hints = [name for name, _ in self._listed() if name.endswith(_HINT)]
        self.download(hints, into)
        self.download((name for name, _ in self._listed() if _LOG in name and not name.endswith(_HINT)), into)

    def download(self, names: Iterable[str], into: Path) -> None:
        """Download the objects that exist, as files below `into`."""
        from botocore.exceptions import ClientError

        def fetch(name: str) -> None:
            file = into / name
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.boto.download_file(self.name, self._key(name), str(file))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in ("404", "NoSuchKey"):
                    raise

        self._together(fetch, names)

    def upload(self, folder: Path) -> None:
        """Every file of `folder`: data first, the log of the releases last, so that a release has its files."""
        from storage.lake.releases import TABLE  # with the libraries that read tables, which `of` does not need

        names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        logs = {name for name in names if _LOG in name}
        releases = {name for name in logs if name.startswith(f"{TABLE}/")}
        for part in (set(names) - logs, logs - releases, releases):
            self._together(lambda name: self.boto.upload_file(str(folder / name), self.name, self._key(name)), part)

    def _listed(self) -> Iterator[tuple[str, int]]:
        start = self._key("")
        with s3.sentences(self.boto, self.name):
            for page in self.boto.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=start):
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(start), found["Size"]

    def _together(self, act: Callable[[str], None], names: Iterable[str]) -> None:
        with s3.sentences(self.boto, self.name), ThreadPoolExecutor(s3.AT_ONCE) as pool:
            for _ in pool.map(act, names):
                pass

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}".lstrip("/")


def of(settings: Settings) -> Bucket | None:
    """The lake's bucket, or None for a folder; SetupError if it cannot be used."""
    if not s3.is_bucket(settings.lake):
        return None
    boto = s3.client(s3.options_of(settings))
    s3.refuse_unusable(settings.lake, boto)
    return Bucket(boto, *s3.bucket_of(settings.lake))
