"""dbt without what it does for nobody here, which was most of the time that it took to compile marts and tests.

A statement is read as far as the place where ephemeral models go in: dbt has sqlparse group every token of every model
and test that has ephemeral parents, to find the `with` that it begins with. A flag of dbt's own behaviour does not
look up which module has made it: dbt reads the source of every function on the stack for that, twice a build. A
template is compiled once in a process and not once a build, the 500 macros are sorted into packages once a build and
not three times a node, and a debug event that no logger writes is no message.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any


def make_thrifty() -> None:
    """Have dbt's compilation, and nobody else, parse by `statement_head`, its flags name no module, and its templates,
    macros and events be made where they are needed."""
    import sqlparse
    from dbt import compilation
    from dbt.context.macros import MacroNamespaceBuilder
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.clients.jinja import MacroFuzzEnvironment
    from dbt_common.events.event_manager import EventManager

    grammar = SimpleNamespace(parse=statement_head, sql=sqlparse.sql, tokens=sqlparse.tokens)
    vars(compilation)["sqlparse"] = grammar
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # pyrefly: ignore[method-assign]
    for owner, name, made_thrifty in (
        (MacroFuzzEnvironment, "compile", compiled_once),
        (MacroNamespaceBuilder, "build_namespace", lambda _: namespace),
        (EventManager, "fire_event", fired_to_somebody),
    ):
        own = getattr(owner, name)
        if not hasattr(own, "replaced"):
            thrifty: Any = made_thrifty(own)
            thrifty.replaced = own
            setattr(owner, name, thrifty)


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


def compiled_once(compile_template: Callable[..., Any]) -> Callable[..., Any]:
    """Return `compile_template` of an environment, which of one text gives one code: all environments of a class have
    the same filters and extensions, and the code knows neither names nor values."""
    known: dict[tuple[type, str], Any] = {}

    def compile_once(environment: Any, source: Any, *named: Any, **more: Any) -> Any:
        if named or more or not isinstance(source, str):
            return compile_template(environment, source, *named, **more)
        key = (type(environment), source)
        if key not in known:
            known[key] = compile_template(environment, source)
        return known[key]

    return compile_once


def namespace(builder: Any, macros_by_package: Mapping[str, Mapping[str, Any]], context: dict[str, Any]) -> Any:
    """Return dbt's namespace of macros, as one dictionary instead of a search through five."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace
    from dbt.include.global_project import PROJECT_NAME

    class Namespace(dict[str, Any], MacroNamespace):
        """Its own dictionary has what `MacroNamespace` finds, by the first place in which it looks."""

    made = {
        package: {
            name: MacroGenerator(macro, context, builder.node, builder.thread_ctx) for name, macro in macros.items()
        }
        for package, macros in macros_by_package.items()
    }
    inside: dict[str, Any] = {}
    for package in reversed(builder.internal_package_names_order):
        inside |= made.pop(package, {})
    local = made.get(builder.search_package, {})
    root = {} if builder.search_package == builder.root_package else made.get(builder.root_package, {})
    found = Namespace({**inside, PROJECT_NAME: inside, **made, **root, **local})
    found.local_namespace, found.global_namespace = local, root
    found.packages, found.global_project_namespace = made, inside
    return found


def fired_to_somebody(fire: Callable[..., None]) -> Callable[..., None]:
    """Return `fire` of an event manager, without a message of each debug event when no logger is there to write it."""

    def fire_to_somebody(manager: Any, event: Any, *more: Any, **named: Any) -> None:
        if manager.loggers or more or named.get("level") or event.level_tag() != "debug":
            fire(manager, event, *more, **named)

    return fire_to_somebody
