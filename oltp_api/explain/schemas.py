"""Views of explanations and of changes of value."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from pydantic import Field

from domain.value_changes import ChangeCause
from oltp_api.analytics.schemas import EXPLAIN, PortfolioReleaseView
from oltp_api.web.fields import Amount
from oltp_api.web.schemas import View


class SourceView(View):
    """A row, or a range of rows, of a table of the lake."""

    table: str
    version: int | None = Field(description="Of the table in the release; null if the release has not got the table.")
    key: str


class ExplainedView(View):
    """A figure, or what stands in a table, a setting or a rule, with what it was made of."""

    label: str
    value: str | int | float | None = Field(description="As the answer says it that the figure stands in.")
    unit: str | None = Field(
        description="A currency, a rate such as `USD per EUR`, fraction, ratio, percent, years, days, sessions, count, "
        "units, index or id."
    )
    how: str | None = Field(description="How it was made, in words.")
    source: SourceView | None
    n: int | None = Field(description="Rows that the node stands for; only the first and last are below it.")
    reference: str | None = Field(description="By which `GET /explain?ref=` goes on.")
    link: str | None = Field(description="Where the API shows the rows.")
    rulebook: str | None = Field(description="The section of docs/rulebook.md.")
    made_by: str | None = Field(description="The function, or the model of dbt, that computes it.")
    children: Sequence["ExplainedView"]


class ExplanationView(PortfolioReleaseView):
    portfolio_id: UUID
    ref: str
    day: date | None = Field(description="The last day of the document that the figure stands in.")
    code_version: str = Field(description="Of the code that made the release.")
    n_nodes: int
    figure: ExplainedView


class ChangeTermView(View):
    name: str
    cause: ChangeCause
    label: str
    ticker: str | None
    currency: str | None = Field(description="Of a rate.")
    amount: Amount = Field(description="In the portfolio's currency.")
    n_rows: int = Field(description="Ledger rows that it is of; 0 where it is of prices or rates.")
    seqs: Sequence[int] = Field(description="Of corrections, the first of these rows.")


class ChangeView(PortfolioReleaseView):
    """Terms sum to the change with `rounding`. Of two releases `begins` and `ends` are the one day."""

    portfolio_id: UUID
    before_release: int | None = Field(description="Of a change between two releases, the earlier.")
    begins: date | None = Field(description="Null, as all of it, if the release has no day of the portfolio.")
    ends: date | None
    currency: str | None
    begin_value: Amount | None
    end_value: Amount | None
    change: Amount | None
    rounding: Amount | None = Field(description="What the terms, each rounded to 8 decimals, leave of the change.")
    terms: Sequence[ChangeTermView] = Field(description="By cause, and the largest first.")
    sentences: Sequence[str] = Field(description="The same in words, the largest causes first.")
    explain: str | None = EXPLAIN
