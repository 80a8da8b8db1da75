"""Profiles of files over HTTP: those that ship to be read, one's own to be stored, replaced and deleted."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from domain.errors import InvalidInput
from oltp_api.access.rules import Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.imports import own_profiles
from oltp_api.imports.forms_sent import SentForm, sent_form
from oltp_api.imports.schemas import A_SAMPLE, AN_OWN_PROFILE, ProfileChecked, ProfileList, ProfileView
from oltp_api.web.bodies import costly, parse_json
from oltp_api.web.fields import ShortText
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["imports"], responses=PROBLEMS)

_MOST_BYTES = 2_000_000
_FORM = {
    "type": "object",
    "required": ["profile", "sample"],
    "properties": {
        "profile": {"type": "string", "format": "binary", "description": "The profile, a comment and a SELECT."},
        "sample": {"type": "string", "format": "binary", "description": "A file that it reads, of up to 1,000 rows."},
    },
}
_WORDS = {
    "type": "object",
    "required": ["title", "recognised", "select", "sample"],
    "description": "The words of the profile by their names, the SELECT, and a file that it reads.",
    "properties": {
        "title": {"type": "string"},
        "recognised": {"type": "array", "items": {"type": "string"}},
        "select": {"type": "string"},
        "sample": {"type": "string"},
    },
    "additionalProperties": True,
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _WORDS, "example": {**AN_OWN_PROFILE, "sample": A_SAMPLE}},
            "multipart/form-data": {"schema": _FORM, "example": {"profile": "my_broker.sql", "sample": "2016.csv"}},
        },
    }
}


async def sent_profile(request: Request) -> SentForm:
    """The parts of a form, or the body as JSON in the part of that name, which is looked into later."""
    if request.headers.get("content-type", "").lower().startswith("application/json"):
        return SentForm({}, {"json": await request.body()})
    return await sent_form(request, most_part=_MOST_BYTES)


def _text_and_sample(sent: SentForm) -> tuple[str, bytes]:
    """The profile as a file's text, and its sample."""
    if "json" not in sent.files:
        return _unmarked(sent.bytes_of("profile")), sent.bytes_of("sample")
    body = parse_json(sent.files["json"])
    words = dict(body) if isinstance(body, dict) else {}
    select, sample = words.pop("select", None), words.pop("sample", None)
    if not isinstance(select, str) or not isinstance(sample, str):
        raise InvalidInput("body", "needs select and sample, each a text, beside the words of the profile")
    return own_profiles.text_of(words, select), _encoded(sample)


def _unmarked(text: bytes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("profile", "must be UTF-8") from error


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("sample", "must not contain half of a surrogate pair") from error


@router.get("/import-profiles", summary="Profiles by which files are read: your own, and those that ship")
@may(Scope.READ)
def list_profiles(context: ContextDep, user_id: UserDep) -> ProfileList:
    return ProfileList(items=context.transact(lambda work: own_profiles.listed(user_id, work)))


@router.get(
    "/import-profiles/{name}.sql",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "/*\ntitle: My broker\n...\n*/\nselect ..."}}}},
    summary="A profile as a text file, to begin one of your own with",
)
@may(Scope.READ)
def get_profile_text(name: ShortText, context: ContextDep, user_id: UserDep) -> PlainTextResponse:
    return PlainTextResponse(context.transact(lambda work: own_profiles.one(name, user_id, work)).profile)


@router.get("/import-profiles/{name}", summary="A profile, with its words and its SELECT")
@may(Scope.READ)
def get_profile(name: ShortText, context: ContextDep, user_id: UserDep) -> ProfileView:
    return context.transact(lambda work: own_profiles.one(name, user_id, work))


@router.put(
    "/import-profiles/{name}", summary="Store a profile of your own, once it reads its sample", openapi_extra=_BODY
)
@costly(_MOST_BYTES)
@may(Scope.IMPORT)
def put_profile(
    name: ShortText, sent: Annotated[SentForm, Depends(sent_profile)], context: ContextDep, user_id: UserDep
) -> ProfileChecked:
    """Its SELECT runs over the cells of the sample in a process of its own, for 10 seconds and in 256 MB at most. The
    answer is every row as it reads it; if it does not read one, nothing is stored. One of the same name is replaced,
    and one of the name of a shipped profile stands for it."""
    text, sample = _text_and_sample(sent)
    profile = own_profiles.own_profile(name, text, user_id)
    others = context.transact(lambda work: own_profiles.known_profiles(user_id, work))
    checked = own_profiles.checked(profile, sample, {key: each for key, each in others.items() if each.owner})
    context.transact(lambda work: own_profiles.store(profile, text, user_id, work))
    return checked


@router.delete("/import-profiles/{name}", status_code=204, summary="Delete a profile of your own")
@may(Scope.IMPORT)
def delete_profile(name: ShortText, context: ContextDep, user_id: UserDep) -> Response:
    """Rows that were imported by it stay, and are known again by a profile of the same name."""
    context.transact(lambda work: own_profiles.delete(name, user_id, work))
    return Response(status_code=204)
