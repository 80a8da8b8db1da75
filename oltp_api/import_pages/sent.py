"""The form of an import, filled in: the file, how it is to be read, and which button was pressed."""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import InvalidInput
from oltp_api.imports.forms_sent import SentForm
from oltp_api.imports.schemas import ImportOptions, ImportRequest, securities_stated
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.registry.schemas import SecurityRequest

MOST_FILE_BYTES = 30_000_000
MOST_CARRIED_BYTES = 2_000_000
"""A file up to this size is in the page of its dry run, so that it is recorded by a button; a larger one is chosen
again."""
MOST_PART_BYTES = MOST_CARRIED_BYTES * 4 // 3 + 1_000
OPTIONS = tuple(name for name in ImportOptions.model_fields if name not in ("file_name", "dry_run"))
_TOUCHED = ("opening", "security")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A file with its options as they were filled in, and the button that was pressed, such as `record` or
    `opening:2`."""

    file: bytes
    file_name: str
    options: Mapping[str, str]
    securities: Mapping[str, str]
    button: str
    form: SentForm

    def request(self, is_dry_run: bool) -> ImportRequest:
        given: dict[str, Any] = {**self.options, "file_name": self.file_name, "dry_run": is_dry_run, "csv": ""}
        if "register_unknown" in given:
            given["register_unknown"] = True
        try:
            return ImportRequest.model_validate({**given, "securities": self.securities})
        except ValidationError as error:
            raise _wrong(error) from error

    @property
    def carried(self) -> str | None:
        """The file for a hidden field; None if it is too large to be carried."""
        return b64encode(self.file).decode() if len(self.file) <= MOST_CARRIED_BYTES else None

    def touched(self) -> tuple[str, int]:
        """The proposal that the button is of, a kind and its number; no kind if it is of none."""
        kind, _, number = self.button.partition(":")
        return (kind, int(number)) if kind in _TOUCHED and number.isdigit() and len(number) < 7 else ("", 0)

    def opening(self, number: int) -> TransactionRequest:
        """The units that were there before, as they were proposed and filled in."""
        body = self._proposed("opening", number)
        price = self.form.text_of(f"opening.{number}.price")
        known = f"opening:{body.get('ticker')}:{body.get('account')}:{body.get('business_date')}"
        body["external_id"] = known[:200]  # so that a form that is sent again records nothing twice
        return _validated(TransactionRequest, {**body, "price": price} if price else body)

    def security(self, number: int) -> SecurityRequest:
        body = self._proposed("security", number)
        filled = {
            name: self.form.text_of(f"security.{number}.{name}")
            for name in ("ticker", "isin", "asset_type", "currency", "display_name")
        }
        return _validated(SecurityRequest, {**body, **{name: text for name, text in filled.items() if text}})

    def _proposed(self, kind: str, number: int) -> dict[str, Any]:
        try:
            body = json.loads(self.form.text_of(f"{kind}.{number}.body") or "")
        except ValueError as error:
            raise InvalidInput(kind, "is not in the form; try the file again") from error
        return dict(body) if isinstance(body, dict) else {}


def import_of(form: SentForm) -> FilledForm:
    """Read a form; InvalidInput if there is no file in it."""
    file, name = _file_of(form)
    options = {each: text for each in OPTIONS if (text := form.text_of(each)) is not None}
    lines = filter(None, map(str.strip, (form.text_of("securities") or "").splitlines()))
    return FilledForm(file, name[:200], options, securities_stated(lines, "securities"), form.text_of("do") or "", form)


def _file_of(form: SentForm) -> tuple[bytes, str]:
    """The file that was chosen, or else the one that the page carried."""
    if file := form.files.get("file"):
        return file, (form.file_names or {}).get("file") or "import.csv"
    carried = form.fields.get("carried")
    if not carried:
        raise InvalidInput("file", "is missing: choose one")
    try:
        return b64decode(carried, validate=True), form.text_of("carried_name") or "import.csv"
    except (Base64Error, ValueError) as error:
        raise InvalidInput("file", "did not come back whole; choose it again") from error


def _validated(model: type[M], body: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _wrong(error) from error


def _wrong(error: ValidationError) -> InvalidInput:
    first = error.errors()[0]
    return InvalidInput(".".join(str(part)[:40] for part in first["loc"]) or "form", first["msg"])
