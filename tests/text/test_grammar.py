"""Constrained texts, for every kind of tokenizer that real checkpoints have."""

import json
import random
from pathlib import Path

import pytest

from hogdsl.errors import PlanError
from hogdsl.plan import ChoicesConstraint, Constraint, JsonConstraint, RegexConstraint
from runtime.text import Text
from tests.text.tiny_tokenizers import byte_level, save, sentencepiece

KINDS = ("byte-level", "sentencepiece", "old sentencepiece")
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def made(kind: str, folder: Path) -> Text:
    match kind:
        case "byte-level":
            return Text.load(save(byte_level(eos_token="<|im_end|>"), folder))
        case _:
            return Text.load(save(sentencepiece(old=kind.startswith("old")), folder))


@pytest.fixture(scope="module", params=KINDS)
def text(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Text:
    return made(request.param, tmp_path_factory.mktemp("tokenizer"))


def tokens_in(mask: bytes) -> set[int]:
    return {i for i in range(len(mask) * 8) if mask[i // 8] >> (i % 8) & 1}


def follow(text: Text, constraint: Constraint, said: str) -> tuple[set[str], bool, bool]:
    """After `said`: which texts may come next, whether it may end, and whether it must."""
    matcher = text.matcher(constraint)
    for token in text.encode(said):
        assert token in tokens_in(matcher.allowed()), (said, text.decode([token]))
        matcher.push(token)
    allowed = tokens_in(matcher.allowed())
    may_end = bool(allowed & text.end_tokens)
    following = {text.decode([token]) for token in allowed - text.end_tokens}
    return following, may_end, matcher.is_complete


def write_at_random(text: Text, constraint: Constraint, seed: int) -> str:
    """What a model writes that chooses among the allowed tokens with equal odds."""
    rng = random.Random(seed)
    matcher, written = text.matcher(constraint), []
    while not matcher.is_complete:
        token = rng.choice(sorted(tokens_in(matcher.allowed())))
        matcher.push(token)
        if token in text.end_tokens:
            break
        written.append(token)
    return text.decode(written)


def test_a_regex_says_what_may_come_next(text: Text) -> None:
    constraint = RegexConstraint(regex=r"a[bc]|a[bc]d+")
    assert follow(text, constraint, "") == ({"a"}, False, False)
    assert follow(text, constraint, "a") == ({"b", "c"}, False, False)
    assert follow(text, constraint, "ab") == ({"d"}, True, False)


def test_a_text_to_which_nothing_can_be_added_is_complete(text: Text) -> None:
    assert follow(text, RegexConstraint(regex="ab|abc"), "abc") == (set(), True, True)


@pytest.mark.parametrize("choice", ["yes", 'a "b"', "c\\d\n", "né🙂", "x|y /", " two words "])
def test_choices_are_written_as_they_stand(text: Text, choice: str) -> None:
    constraint = ChoicesConstraint(choices=(choice, "no"))
    assert follow(text, constraint, choice) == (set(), True, True)


def test_json_has_no_white_space_between_its_parts(text: Text) -> None:
    constraint = JsonConstraint(document=json.dumps(PERSON))
    following, may_end, complete = follow(text, constraint, '{"name":"A b","age":7}')
    assert (following, may_end, complete) == (set(), True, True)
    assert follow(text, constraint, '{"name":')[0] == {'"'}


def test_random_choices_always_give_a_document_of_the_schema(text: Text) -> None:
    for seed in range(20):
        person = json.loads(
            write_at_random(text, JsonConstraint(document=json.dumps(PERSON)), seed)
        )
        assert set(person) == {"name", "age"}
        assert isinstance(person["age"], int)
        assert len(person["name"]) <= 8


def test_special_tokens_are_never_allowed_as_text(text: Text) -> None:
    allowed = tokens_in(text.matcher(RegexConstraint(regex="(?s).*")).allowed())
    special = {token for token in range(text.n_vocab) if _is_special(text, token)}
    assert special
    assert allowed & special == text.end_tokens


def _is_special(text: Text, token: int) -> bool:
    return text.decode([token]) in {"<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"}


def test_tokens_that_the_tokenizer_does_not_have_are_never_allowed(text: Text) -> None:
    mask = text.matcher(RegexConstraint(regex="(?s).*")).allowed()
    assert max(tokens_in(mask)) < text.n_vocab


def test_a_matcher_begins_anew_each_time(text: Text) -> None:
    constraint = RegexConstraint(regex="ab")
    text.matcher(constraint).push(text.encode("a")[0])
    assert follow(text, constraint, "") == ({"a"}, False, False)


def test_a_token_that_is_not_allowed_is_refused(text: Text) -> None:
    matcher = text.matcher(RegexConstraint(regex="ab"))
    with pytest.raises(PlanError, match="constraint"):
        matcher.push(text.encode("x")[0])


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (RegexConstraint(regex="(ab"), "unclosed group"),
        (RegexConstraint(regex="(?=a)b"), "look-around"),
        (JsonConstraint(document='{"type": "text"}'), "Invalid type: text"),
        (JsonConstraint(document="[1]"), "Expecting object schema"),
    ],
    ids=str,
)
def test_a_refused_grammar_says_why(text: Text, constraint: Constraint, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        text.matcher(constraint)


def test_a_model_without_an_end_token_cannot_be_constrained(tmp_path: Path) -> None:
    text = Text.load(save(byte_level(eos_token=None), tmp_path))
    with pytest.raises(ValueError, match="has no end token"):
        text.matcher(RegexConstraint(regex="ab"))


# ---------------------------------------------------------------- tokens by name


def test_a_token_is_found_by_its_text_or_its_number(text: Text) -> None:
    (end,) = text.end_tokens
    assert text.token(text.decode([end])) == end
    assert text.token(end) == end
    assert text.decode([text.token("x")]) == "x"


def test_a_text_of_several_tokens_is_no_token(text: Text) -> None:
    with pytest.raises(ValueError, match="'xyz' is 3 tokens of this model, not one"):
        text.token("xyz")


def test_a_number_that_no_token_has_is_refused(text: Text) -> None:
    with pytest.raises(ValueError, match="has no token 9999"):
        text.token(9999)
