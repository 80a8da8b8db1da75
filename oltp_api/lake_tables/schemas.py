"""Views of a release's tables."""

from collections.abc import Sequence

from oltp_api.analytics.schemas import ReleaseView
from oltp_api.web.schemas import View


class LakeTableView(View):
    name: str
    version: int


class LakeTablesView(ReleaseView):
    tables: Sequence[LakeTableView]
