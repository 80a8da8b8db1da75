"""A figure taken apart, as text for a terminal of 100 columns."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

_WIDTH = 100
_PLAIN_UNITS = (None, "id", "count", "ratio", "index")


def render(found: dict[str, Any]) -> str:
    """The tree: labels to the left and values to the right, and below each where it stands and how it goes on."""
    figure = found["figure"]
    made = f"{figure['made_by']}, {found['code_version']}; rules: {figure['rulebook']}; release {found['release_id']}"
    return "\n".join([*_lines(figure, 0), "", *wrap(made, _WIDTH)])


def _lines(node: dict[str, Any], depth: int) -> Iterator[str]:
    indent, value = "  " * depth, _valued(node)
    label, *more = wrap(node["label"], max(_WIDTH - len(indent) - len(value) - 2, 20))
    yield f"{indent}{label}{value:>{_WIDTH - len(indent) - len(label)}}".rstrip()
    details = [*more, node["how"], _source(node), node["reference"] if depth else None]
    for detail in filter(None, details):
        for line in wrap(detail, _WIDTH - len(indent) - 4, break_on_hyphens=False):
            yield f"{indent}    {line}"
    for child in node["children"]:
        yield from _lines(child, depth + 1)


def _source(node: dict[str, Any]) -> str | None:
    source = node["source"]
    if source is None:
        return None
    version = "" if source["version"] is None else f" v{source['version']}"
    return f"{source['table']}{version}: {source['key']}"


def _valued(node: dict[str, Any]) -> str:
    value, unit = node["value"], node["unit"]
    if value is None:
        return ""
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if unit in _PLAIN_UNITS else f"{text} {unit}"
