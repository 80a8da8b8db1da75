"""dbt without two things that it does for nobody here, which were most of the time that it took to compile the marts.

A statement is read as far as the place where ephemeral models go in: dbt has sqlparse group every token of every model
and test that has ephemeral parents, to find the `with` that it begins with. And a flag of dbt's own behaviour does not
look up which module has made it: dbt reads the source of every function on the stack for that, twice a build.
"""

from types import SimpleNamespace
from typing import Any


def make_thrifty() -> None:
    """Have dbt's compilation, and nobody else, parse by `statement_head`, and its flags name no module."""
    import sqlparse
    from dbt import compilation
    from dbt_common.behavior_flags import BehaviorFlagRendered

    grammar = SimpleNamespace(parse=statement_head, sql=sqlparse.sql, tokens=sqlparse.tokens)
    vars(compilation)["sqlparse"] = grammar
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]


def statement_head(sql: str) -> tuple[Any]:
    """Return the statement `sql` as sqlparse does, but as the tokens up to the first that is neither space, comment,
    `with` nor `recursive`, and one token of all the rest."""
    from sqlparse import lexer
    from sqlparse.sql import Statement, Token
    from sqlparse.tokens import Comment, Text

    tokens, length = [], 0
    for kind, text in lexer.tokenize(sql):
        token = Token(kind, text)
        tokens.append(token)
        length += len(text)
        if not (token.is_whitespace or kind in Comment or token.normalized in ("WITH", "RECURSIVE")):
            break
    return (Statement([*tokens, Token(Text, sql[length:])]),)
