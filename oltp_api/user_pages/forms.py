"""Forms of users, with the names that the bodies of the API have."""

from collections.abc import Mapping

from oltp_api.access.rules import Role, Scope
from oltp_api.page_forms.form import Field, PageForm
from oltp_api.page_forms.routing import factor_field
from oltp_api.users.passwords import LONGEST, SHORTEST

SCOPES: Mapping[Scope, str] = {
    Scope.READ: "read everything",
    Scope.TRADE: "record transactions and orders, make portfolios",
    Scope.IMPORT: "import files",
    Scope.SIMULATE: "request simulations",
    Scope.ADMIN: "manage users",
}
CURRENT = Field(
    "current_password", "Your password now", "password", is_needed=True, autocomplete="current-password", most=LONGEST
)
CURRENT_CODE = factor_field("current_code")
NAME = PageForm(
    "name",
    "Change them",
    [
        Field("display_name", "Name", is_needed=True, autocomplete="name", most=100),
        Field("email", "Email", "email", "You sign in with it.", is_needed=True, autocomplete="email", most=254),
    ],
)
PASSWORD = PageForm(
    "password",
    "Change the password",
    [
        CURRENT,
        CURRENT_CODE,
        Field(
            "password",
            "The new one",
            "password",
            f"At least {SHORTEST} characters; 15 or more are advised, of any kind. You are signed out everywhere.",
            is_needed=True,
            autocomplete="new-password",
            most=LONGEST,
        ),
    ],
)
LEAVE = PageForm("leave", "Leave for good", [CURRENT, CURRENT_CODE])
TOKEN = PageForm(
    "token",
    "Make the token",
    [
        Field("name", "Name", hint="Of the program that gets it.", is_needed=True, most=100),
        Field("ends_at", "Last day", "last_day", "In UTC; without one it stands until you end it."),
        Field("scopes", "It may", "ticks"),
        Field("portfolio_ids", "In these portfolios only", "ticks", "None ticked: in all of yours."),
    ],
)
INVITATION = PageForm(
    "invitation",
    "Make a link",
    [
        Field(
            "email",
            "Email",
            "email",
            "Only this address may then register; without one, whoever has the link.",
            most=254,
        )
    ],
)
SHARE = PageForm(
    "share",
    "Offer it",
    [
        Field("email", "Email", "email", "Of somebody who signs in here, or will.", is_needed=True, most=254),
        Field(
            "role",
            "Part",
            "choice",
            choices=[(Role.VIEWER.name, "viewer: reads everything of it"), (Role.EDITOR.name, "editor: records too")],
            default=Role.VIEWER.name,
        ),
    ],
)
