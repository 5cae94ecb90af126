"""Who asks what: documents, each asked about many times, with a question at the end."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

MODEL = "m"
WORDS = (
    *("the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "with"),
    *("as", "his", "they", "at", "be", "this", "have", "from", "or", "one", "had", "by"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """`outstanding` requests of each tenant are open at any time, over `documents` documents at once,
    each replaced by a new one after `questions` of them."""

    outstanding: dict[str, int]
    documents: int = 6
    questions: int = 60
    document_words: int = 1_200
    question_words: int = 20
    output_tokens: int = 16

    @property
    def tenants(self) -> tuple[str, ...]:
        return tuple(self.outstanding)

    def bodies(self, tenant: str, *, seed: int) -> Iterator[bytes]:
        """An endless series of requests, the same for every policy."""
        dice = random.Random(f"{seed} {tenant}")  # noqa: S311 - traffic, not secrets
        live = [self._text(dice, self.document_words) for _ in range(self.documents)]
        asked = [0] * self.documents
        while True:
            which = dice.randrange(self.documents)
            asked[which] += 1
            question = self._text(dice, self.question_words)
            said = [
                {"role": "system", "content": live[which]},
                {"role": "user", "content": question},
            ]
            yield orjson.dumps(
                {
                    "model": MODEL,
                    "messages": said,
                    "max_tokens": self.output_tokens,
                    "temperature": 0,
                    "stream": True,
                    "stream_options": {"include_usage": True},
                }
            )
            if asked[which] == self.questions:
                live[which], asked[which] = self._text(dice, self.document_words), 0

    def _text(self, dice: random.Random, words: int) -> str:
        return " ".join(dice.choice(WORDS) for _ in range(words))


NOISY = "noisy"
VICTIMS = ("ada", "bea", "cleo")
_OUTSTANDING = {NOISY: 64, **dict.fromkeys(VICTIMS, 6)}
USUAL = Traffic(outstanding=_OUTSTANDING)
LONG = Traffic(outstanding=_OUTSTANDING, document_words=12_000)
"""For engines that compute a prompt fast: the simulated ones have the pace of a GPU."""
