"""Every error that Panel raises on purpose.

PanelError
  InputError            you can fix it: the message says where             exit 2
    ToolError           a dossier is not as it must be
    PersonaError        a persona file is not as it must be
    PromptError         a prompt file is missing or does not render
    SettingsError       panel.toml, the environment or a flag
    RecordError         a file in runs/ or a ledger is not what was written
    RecordingMissing    replay was asked for what was never recorded
    Locked              what should change is locked
  ModelError            a provider let us down                             exit 1
    Transient           rate limit, overload, time-out, dropped line: retried
    Rejected            the provider will not have this request or key: never retried
    GaveUp              retrying was stopped by a cap, a deadline or a count
    Waiting             a person has not answered yet
    Lost                a provider no longer has what it was given
  Busy                  another run is writing the same files          exit 1
  OverBudget            asking on could cost more than was allowed       exit 4

What a model says (a refusal, a reply cut short, a reply that is no take) is not an error:
it is an outcome, kept with what it cost. See `panel.request.Stop` and `panel.review.Absence`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self


class PanelError(Exception):
    """The root: catch this to catch all that Panel raises on purpose."""

    exit_code = 1


class InputError(PanelError):
    """Something that you wrote or set needs a change; the message says what and where."""

    exit_code = 2

    @classmethod
    def at(cls, path: Path | str, line: int | None, key: str, problem: str) -> Self:
        """Return the error with its place in front: file, line (from 1, where known) and key (where there is one).

        It is one line, whatever the file and the key are called.
        """
        place = f"{path}:{line}" if line else f"{path}"
        return cls(on_one_line(f"{place}: {key}: {problem}" if key else f"{place}: {problem}"))


class ToolError(InputError):
    """A dossier is not as it must be."""


class PersonaError(InputError):
    """A persona file is not as it must be."""


class PromptError(InputError):
    """A prompt file is missing or does not render."""


class SettingsError(InputError):
    """A setting in panel.toml, in the environment or on the command line can't be used."""


class RecordError(InputError):
    """A file in runs/ or in a ledger is not what Panel wrote there."""


class RecordingMissing(InputError):
    """Replay was asked for a reply that no ledger holds."""


class Locked(InputError):
    """What should change was locked by an editor."""


class ModelError(PanelError):
    """A provider let us down; asking again later may help.

    `may_be_charged` is true where the provider may have worked on a reply that never came, or that can't be read.
    """

    def __init__(self, message: str, *, may_be_charged: bool = False) -> None:
        super().__init__(message)
        self.may_be_charged = may_be_charged


class Transient(ModelError):
    """A fault that passes by itself.

    `wait_s` is how long the provider asked us to wait, in seconds, or None where it did not say.
    `pauses_all` is true where the fault concerns every request to that provider, not this one alone.
    """

    def __init__(
        self, message: str, *, wait_s: float | None = None, pauses_all: bool = False, may_be_charged: bool = False
    ) -> None:
        super().__init__(message, may_be_charged=may_be_charged)
        self.wait_s = wait_s
        self.pauses_all = pauses_all


class Rejected(ModelError):
    """The provider will not have this request, this key or this account: asking again can't help."""


class GaveUp(ModelError):
    """Retrying was stopped; the message names the last fault and what stopped it."""


class Waiting(ModelError):
    """A person has been asked and has not answered yet."""


class Lost(ModelError):
    """A provider no longer has what it was given, or what came of it."""


class Busy(PanelError):
    """Another run is writing the records of the same tool; trying again later helps."""


class OverBudget(PanelError):
    """Asking on could cost more than was allowed; what was answered by then is in the ledger."""

    exit_code = 4


def on_one_line(text: str) -> str:
    """Return `text` on one line, with nothing in it that could steer a terminal."""
    return printable(text).replace("\N{REPLACEMENT CHARACTER}", " ").replace("\n", " ")


def printable(text: str) -> str:
    """Return `text` with nothing in it that could steer a terminal; line breaks stay."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
