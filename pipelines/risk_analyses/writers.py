"""The writers outside: language models, by their providers' own packages, behind the port RiskAnalyst.

`RISK_MODEL=openai:<model>` asks any address that speaks OpenAI's chat completions (`RISK_MODEL_URL`: a local model
too), `anthropic:<model>` Anthropic's messages. The packages are the extra `models`. A call ends when its time is over,
also if an answer comes byte by byte.
"""

import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.risk_analyses.briefing import Briefing
from domain.risk_analyses.writing import RiskAnalyst, WriterAway
from storage.errors import SetupError
from storage.settings import Settings

SECONDS = 9.0
"""For both answers of a writer together; an analysis is there within ten."""
_MOST_TOKENS = 4000
Ask = Callable[[Briefing, float], str]
"""Asks a provider, with so many seconds left."""


def configured(settings: Settings) -> RiskAnalyst | None:
    """The writer that the settings name; None for `rules/1`. SetupError for a provider that nobody knows, or whose
    package is not there."""
    if settings.risk_model is None:
        return None
    provider, _, model = settings.risk_model.partition(":")
    if provider not in _PROVIDERS:
        raise SetupError(f"RISK_MODEL names {provider!r}; it is {' or '.join(_PROVIDERS)}, a colon, and a model")
    key = settings.openai_api_key if provider == "openai" else settings.anthropic_api_key
    return TimedAnalyst(settings.risk_model, _PROVIDERS[provider](model, key, settings.risk_model_url))


@dataclass
class TimedAnalyst:
    """A writer with one clock for all that it is asked, from the first question on; `name` is told as who wrote."""

    name: str
    ask: Ask
    ends: float | None = None

    def write(self, briefing: Briefing) -> str:
        """The answer, or WriterAway once the time is over: whoever is still asked then is no longer listened to."""
        self.ends = self.ends or time.monotonic() + SECONDS
        left = self.ends - time.monotonic()
        if left <= 0:
            raise WriterAway(f"no answer that could be taken came within {SECONDS:g} s")
        answers: list[str] = []
        failures: list[Exception] = []

        def listen() -> None:
            try:
                answers.append(self.ask(briefing, left))
            except Exception as error:
                failures.append(error)

        asking = threading.Thread(target=listen, name="risk-writer", daemon=True)
        asking.start()
        asking.join(left)
        if answers:
            return answers[0]
        if failures:
            raise failures[0] if isinstance(failures[0], WriterAway) else WriterAway(_told(failures[0]))
        raise WriterAway(f"no answer came within {SECONDS:g} s")


def _openai(model: str, key: str | None, url: str | None) -> Ask:
    openai = _package("openai")

    def ask(briefing: Briefing, seconds: float) -> str:
        with openai.OpenAI(api_key=key or "none", base_url=url, timeout=seconds, max_retries=0) as client:
            answer = client.chat.completions.create(
                model=model,
                messages=[
                    {"role": "system", "content": briefing.instructions},
                    {"role": "user", "content": briefing.question},
                ],
                response_format={"type": "json_object"},
            )
        choice = answer.choices[0].message if answer.choices else None
        if choice is None or not choice.content:
            raise WriterAway(f"it refused: {getattr(choice, 'refusal', None) or 'an answer without words'}"[:500])
        return str(choice.content)

    return ask


def _anthropic(model: str, key: str | None, url: str | None) -> Ask:
    anthropic = _package("anthropic")

    def ask(briefing: Briefing, seconds: float) -> str:
        with anthropic.Anthropic(api_key=key or "none", base_url=url, timeout=seconds, max_retries=0) as client:
            answer = client.messages.create(
                model=model,
                max_tokens=_MOST_TOKENS,
                system=briefing.instructions,
                messages=[{"role": "user", "content": briefing.question}],
            )
        text: str = "".join(block.text for block in answer.content if block.type == "text")
        if answer.stop_reason == "refusal" or not text:
            raise WriterAway(f"it refused: {answer.stop_reason}")
        return text

    return ask


_PROVIDERS: dict[str, Callable[[str, str | None, str | None], Ask]] = {"openai": _openai, "anthropic": _anthropic}


def _package(name: str) -> Any:
    """Imported before the clock runs: it takes seconds the first time."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SetupError(f"RISK_MODEL needs the package {name}, which is in the extra `models`") from error


def _told(error: Exception) -> str:
    """An error of a provider's package in one sentence, without what was sent."""
    status = getattr(error, "status_code", None)
    said = " ".join(str(error).split())[:300]
    return f"the provider answered {status}: {said}" if status else f"{type(error).__name__}: {said}"
