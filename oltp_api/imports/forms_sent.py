"""Forms as a browser or curl sends them: fields of text and files, each at most once."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile

from domain.errors import InvalidInput
from oltp_api.web.bodies import said_twice

MOST_FIELDS = 60


@dataclass(frozen=True, slots=True)
class SentForm:
    """Fields by name, and files by name; `file_names` are what the sender calls the files."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]
    file_names: Mapping[str, str] | None = None

    def text_of(self, name: str) -> str | None:
        """A field that says something; None where it is empty."""
        return self.fields.get(name, "").strip() or None

    def bytes_of(self, name: str) -> bytes:
        """A part, sent as a file or as a field; InvalidInput if it is not there."""
        found = self.files.get(name)
        if found is None and name in self.fields:
            found = self.fields[name].encode("utf-8", "surrogateescape")
        if not found:
            raise InvalidInput(name, "is missing: send it as a part of the form")
        return found


async def sent_form(request: Request, most_part: int) -> SentForm:
    """The form of a request, whose body has been read within its limit."""
    async with request.form(max_files=2, max_fields=MOST_FIELDS, max_part_size=most_part) as form:
        names = [name for name, _ in form.multi_items()]
        if len(set(names)) < len(names):
            raise said_twice("a field of the form")
        fields: dict[str, str] = {}
        files: dict[str, bytes] = {}
        called: dict[str, str] = {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
                called[name] = value.filename or ""
            else:
                fields[name] = value
    return SentForm(fields, files, called)
