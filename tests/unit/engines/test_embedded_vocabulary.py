from evenhand.engines.embedded.vocabulary import CONTROLS, english_vocabulary
from evenhand.engines.embedded.words import WORDS

VOCABULARY = english_vocabulary()


def test_every_byte_is_a_token() -> None:
    single = [token for token in VOCABULARY.tokens if len(token) == 1]
    assert len(single) == 256


def test_no_token_is_there_twice() -> None:
    assert len(set(VOCABULARY.tokens)) == len(VOCABULARY.tokens)


def test_every_merge_joins_tokens_into_a_token() -> None:
    tokens = set(VOCABULARY.tokens)
    for merge in VOCABULARY.merges:
        left, right = merge.split(" ")
        assert {left, right, left + right} <= tokens


def test_every_word_of_the_list_can_be_said() -> None:
    said = {VOCABULARY.tokens[number] for number in VOCABULARY.words}
    assert said == {"Ġ" + word for word in WORDS}


def test_no_control_token_is_a_word() -> None:
    controls = {VOCABULARY.tokens.index(control) for control in CONTROLS}
    assert not controls & set(VOCABULARY.words)
