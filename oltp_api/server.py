"""The API as a server, `python -m oltp_api.server`: on loopback unless everybody signs in, and bounded."""

import argparse
import sys

from oltp_api.app import create_app
from storage.errors import SetupError
from storage.settings import settings
from storage.web.server import refuse_open_address, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m oltp_api.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="of the loopback interface; with AUTH=accounts any")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    try:
        refuse_open_address(arguments.host, settings())
        serve(create_app(), arguments.host, arguments.port, settings(), ws="none")
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
