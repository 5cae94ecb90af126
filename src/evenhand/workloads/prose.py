"""Text to ask with. It means nothing; its length and its being unlike other text is what counts."""

import random

_NOUNS = """
time year people way day man thing world life hand part child eye place work week case point
group number night water room mother area money story fact month lot right study book word
house side kind head car city name team minute idea body back parent face level door health
person art war party result change morning reason moment air teacher force food school state
family student country problem company system program question government plan light sound
"""
_WORDS = _NOUNS.split()


def prose(rng: random.Random, *, title: str, words: int) -> str:
    """`title` and random words after it. Give each text its own title, and no two begin alike."""
    return " ".join([title, *rng.choices(_WORDS, k=words)])
