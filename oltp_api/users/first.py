"""The link for the first administrator, which a server with accounts and without users prints at its start."""

import os
import sys

from oltp_api.context import AppContext
from oltp_api.users.handlers import first_code
from storage.private import private_folder
from storage.settings import Settings

FILE = "run/first-administrator"


def tell_first_link(context: AppContext, settings: Settings) -> None:
    """Print the link, and keep its code in a file that the state's owner alone reads, until there is an administrator.

    What was stored before there were users becomes the first administrator's.
    """
    file = settings.home / FILE
    code = context.transact(first_code)
    file.unlink(missing_ok=True)
    if code is None:
        return
    link = f"{settings.public_url or 'http://127.0.0.1:8000'}/register?code={code}"
    private_folder(file.parent)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as private:  # noqa: PTH123
        private.write(code)
    print(f"  the first administrator registers, once and within a week, at {link}", file=sys.stderr, flush=True)
