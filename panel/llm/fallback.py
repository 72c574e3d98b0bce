"""Fallback: a Model that asks others, one after another, where the one that was asked can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panel.errors import GaveUp, ModelError, Waiting
from panel.llm.model import Model
from panel.llm.retry import Notice
from panel.request import Attempt, Reply, Request


@dataclass(frozen=True)
class Fallback:
    """A Model, and those that stand in for it, by name; the reply belongs to the request for the first one.

    A refusal, or a reply that is no take, is an answer: nobody else is asked for a better one.
    """

    first: Model
    others: Mapping[str, Model]
    notice: Notice = lambda request, attempt: None

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the first that has one, with one attempt for each model that failed before it.

        Raises GaveUp, naming every model and its fault, where none has a reply.
        """
        failed: list[Attempt] = []
        models = {request.model: self.first, **self.others}
        following = [*list(models)[1:], None]
        for (name, model), then in zip(models.items(), following, strict=True):
            other = None if name == request.model else name
            try:
                reply = await model.ask(request.model_copy(update={"model": name}))
            except Waiting:
                raise
            except ModelError as error:
                failed.append(Attempt(number=len(failed) + 1, waited_s=0, error=str(error), model=other))
                if then:
                    self.notice(request, failed[-1].model_copy(update={"error": f"{error}; asking {then} instead"}))
            else:
                tried = [
                    attempt.model_copy(update={"number": len(failed) + attempt.number, "model": other})
                    for attempt in reply.attempts
                ]
                return reply.model_copy(update={"attempts": (*failed, *tried)})
        raise GaveUp("; ".join(f"{attempt.model or request.model}: {attempt.error}" for attempt in failed))
