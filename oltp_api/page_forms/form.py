"""A form: its fields, what was written into them, and what is wrong beside each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeVar
from uuid import UUID, uuid4

from fastapi import Request
from pydantic import BaseModel, ValidationError

from domain.errors import IdempotencyConflict, InvalidInput, Refusal
from oltp_api.context import USER_ID, AppContext
from oltp_api.imports.forms_sent import SentForm
from oltp_api.web.idempotency import IdempotentCommand
from storage.web.guard import WebRefusal

B = TypeVar("B", bound=BaseModel)
Kind = Literal["text", "email", "password", "number", "whole", "date", "last_day", "choice", "ticks"]
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_MISSING = "is needed"
_OF_JSON = " in a string"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body as a person sees it. `choices` are values with their names; `is_more` is rarely needed."""

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    choices: Sequence[tuple[str, str]] = ()
    is_needed: bool = False
    is_more: bool = False
    default: str = ""
    autocomplete: str = "off"
    most: int = 200

    def read(self, sent: Mapping[str, str]) -> Any:
        """Return what was written, as a body has it; None for nothing."""
        if self.kind == "ticks":
            return [value for value, _ in self.choices if sent.get(f"{self.name}.{value}")] or None
        text = sent.get(self.name, "") if self.kind == "password" else sent.get(self.name, "").strip()
        if self.kind == "whole" and re.fullmatch(r"-?[0-9]{1,15}", text):
            return int(text)
        return f"{text}T23:59:59Z" if self.kind == "last_day" and text else text or None


@dataclass(frozen=True, slots=True)
class PageForm:
    """A form that is sent to `action`. `problems` say what is wrong, by field; "" stands for all of it.

    `key` makes a form that is sent twice one command; it has none where twice is as good as once.
    """

    name: str
    button: str
    fields: Sequence[Field]
    action: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None

    def at(self, action: str, **choices: Sequence[tuple[str, str]]) -> Self:
        """The empty form, with choices that are known only now."""
        fields = [replace(each, choices=choices.get(each.name, each.choices)) for each in self.fields]
        return replace(self, action=action, fields=fields, key=str(uuid4()))

    def filled(self, sent: SentForm) -> Self:
        return replace(self, values=sent.fields, key=sent.text_of("key") or self.key)

    def showing(self, **values: str) -> Self:
        return replace(self, values=values)

    def again(self, refused: Self | None) -> Self:
        """This form, or with what was written and wrong if it is the one that was refused."""
        if refused is None or refused.name != self.name:
            return self
        return replace(self, values=refused.values, problems=refused.problems, key=refused.key or self.key)

    def body(self, model: type[B], **more: object) -> B:
        """Make a body of what was written, and of `more`; ValidationError where the API has it."""
        read = {each.name: each.read(self.values) for each in self.fields if each.name in model.model_fields}
        return model.model_validate({**more, **{name: value for name, value in read.items() if value is not None}})

    def refused(self, refusal: Refusal | ValidationError | WebRefusal) -> Self:
        """The form again, with what to mend. After a conflict of its key it is a new one."""
        key = str(uuid4()) if isinstance(refusal, IdempotencyConflict) else self.key
        return replace(self, problems=dict(self._wrong(refusal)), key=key)

    def _wrong(self, refusal: Refusal | ValidationError | WebRefusal) -> Iterator[tuple[str, str]]:
        names = {each.name for each in self.fields}
        if isinstance(refusal, WebRefusal):
            yield "", refusal.detail
            return
        if isinstance(refusal, Refusal):
            name = str(refusal.facts.get("field", ""))
            yield (name, refusal.message.removeprefix(f"{name} ")) if name in names else ("", refusal.message)
            return
        for error in refusal.errors(include_input=False, include_url=False):
            name = str(error["loc"][0]) if error["loc"] else ""
            said = _MISSING if error["type"] == "missing" else error["msg"].replace(_OF_JSON, "")
            yield (name, said) if name in names else ("", f"{name}: {said}" if name else said)

    def value_of(self, name: str) -> str:
        """The text in a field; never a password."""
        own = next(each for each in self.fields if each.name == name)
        return "" if own.kind == "password" else self.values.get(name, "" if self.values else own.default)

    def is_ticked(self, name: str, value: str) -> bool:
        return bool(self.values.get(f"{name}.{value}"))

    def label_of(self, name: str) -> str:
        return next((each.label for each in self.fields if each.name == name), "")

    @property
    def usual(self) -> Sequence[Field]:
        return [each for each in self.fields if not each.is_more]

    @property
    def more(self) -> Sequence[Field]:
        return [each for each in self.fields if each.is_more]

    @property
    def opens_more(self) -> bool:
        """True if something stands, or is wrong, in a field that is rarely needed."""
        return any(self.problems.get(each.name) or self.values.get(each.name) for each in self.more)


def sent_once(request: Request, context: AppContext, user_id: UUID, sent: SentForm) -> IdempotentCommand:
    """The command of a form, under its key: a second press of the button is answered as the first."""
    key = sent.text_of("key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput("key", "is not the form's own; open the page again")
    return IdempotentCommand(context, user_id, f"POST {request.url.path}", key, request.scope[USER_ID])
