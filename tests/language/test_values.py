"""Values that are read: typed ones, scores, and names that are given again."""

from typing import Literal

import pytest
from pydantic import BaseModel, field_validator

import hogdsl as hog
from hogdsl import plan
from hogdsl.compiler.nodes import Gen
from tests.language.played import Played, play


class City(BaseModel):
    name: str
    people: int

    @field_validator("people")
    @classmethod
    def _not_empty(cls, people: int) -> int:
        if people < 1:
            raise ValueError("nobody lives there")
        return people


PARIS = '{"name":"Paris","people":2}'


def test_a_model_comes_back_as_an_instance():
    def asks(s: hog.Scope) -> City:
        s += "A city: "
        return s.gen(City, max_tokens=40)

    driver = Played({"main": [PARIS]})
    assert play(asks, driver) == City(name="Paris", people=2)
    (region,) = driver.regions
    _, gen = region.streams[0].pieces
    assert isinstance(gen, plan.Gen)
    assert isinstance(gen.constraint, plan.JsonConstraint)
    assert gen.max_tokens == 40


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (int, "42", 42),
        (list[int], "[1,2]", [1, 2]),
        (Literal["a", "b"], '"b"', "b"),
        (City | None, "null", None),
        (dict[str, City], f'{{"x":{PARIS}}}', {"x": City(name="Paris", people=2)}),
    ],
)
def test_whatever_pydantic_can_validate_is_a_schema(schema: object, text: str, value: object):
    assert play(lambda s: s.gen(schema), Played({"main": [text]})) == value


def document(schema: object) -> str:
    (node,) = hog.gen(schema=schema).nodes
    assert isinstance(node, Gen)
    assert isinstance(node.constraint, plan.JsonConstraint)
    return node.constraint.document


def test_a_schema_of_a_model_is_made_once():
    class Found(BaseModel):
        n: int

    assert document(Found) is document(Found)


def test_a_model_that_is_built_anew_has_a_new_schema():
    class Found(BaseModel):
        n: int

    before = document(Found)
    Found.model_fields["n"].description = "how many"
    Found.model_rebuild(force=True)
    assert "how many" in document(Found)
    assert "how many" not in before


def test_equal_types_have_schemas_of_their_own():
    assert document(int | str) == '{"anyOf":[{"type":"integer"},{"type":"string"}]}'
    assert document(str | int) == '{"anyOf":[{"type":"string"},{"type":"integer"}]}'


def test_objects_of_a_schema_are_closed_unless_it_says_otherwise():
    class Open(BaseModel, extra="allow"):
        inner: City

    piece = hog.gen(schema=Open).nodes[0]
    document = piece.constraint.document  # pyright: ignore
    assert document.count('"additionalProperties":false') == 1
    assert document.count('"additionalProperties":true') == 1


def test_a_gen_of_the_scope_gives_its_text_at_once():
    def asks(s: hog.Scope) -> str:
        return s.gen(stop="\n") + s.select(["x", "y"])

    assert play(asks, Played({"main": ["a ", "y"]})) == "a y"


def test_values_of_the_scope_without_a_name_are_told_apart():
    def asks(s: hog.Scope) -> str:
        s += hog.gen() + hog.gen("named")
        return s.gen() + s["named"]

    assert play(asks, Played({"main": ["1", "2", "3"]})) == "32"


def test_a_name_may_be_given_again_once_it_was_read_and_means_the_newest():
    def chats(s: hog.Scope) -> list[str]:
        said: list[str] = []
        for _ in range(3):
            s += hog.user("next") + hog.assistant(hog.gen("reply"))
            said.append(s["reply"])
        return [*said, s["reply"]]

    assert play(chats, Played({"main": ["a", "b", "c"]})) == ["a", "b", "c", "c"]


def test_a_named_value_that_is_given_at_once_counts_as_read():
    def asks(s: hog.Scope) -> str:
        for _ in range(2):
            s.gen(name="x")
        return s["x"]

    assert play(asks, Played({"main": ["a", "b"]})) == "b"


def test_scores_of_a_select_are_read_by_its_name():
    def asks(s: hog.Scope) -> tuple[str, float]:
        s += hog.select("way", ["left", "right"])
        return s["way"], s.scores("way")["left"]

    scores = {"left": -0.5, "right": -2.0}
    assert play(asks, Played({"main": ["left"]}, scores=scores)) == ("left", -0.5)


def test_a_handle_gives_typed_values_after_its_region():
    def forks(s: hog.Scope) -> tuple[object, ...]:
        with s.fork("a") as team:
            team["a"] += "x" + hog.gen(max_tokens=4)
            city = team["a"].gen(City, max_tokens=9)
            way = team["a"].select(["left", "right"], name="way")
            rest = team["a"].gen(stop=".")
        return city.value, city.text, way.value, way.scores, rest.value, team["a"]["way"]

    driver = Played({"a": ["first", PARIS, "left", "end"]}, scores={"left": 0.0, "right": -1.0})
    assert play(forks, driver) == (
        City(name="Paris", people=2),
        PARIS,
        "left",
        {"left": 0.0, "right": -1.0},
        "end",
        "left",
    )


def test_why_a_value_ended_can_be_read():
    def forks(s: hog.Scope) -> str:
        with s.fork("a") as team:
            later = team["a"].gen(max_tokens=4)
        return later.reason

    assert play(forks, Played({"a": ["x"]}, reason="max_tokens")) == "max_tokens"


def test_a_value_that_is_cut_off_says_what_to_do():
    with pytest.raises(hog.ProgramError) as caught:
        play(lambda s: s.gen(City), Played({"main": ['{"name":"Pa']}, reason="max_tokens"))
    assert (caught.value.code, caught.value.rule) == (
        "value-incomplete",
        "the City is not whole: its gen ran out of max_tokens, and the text is "
        '\'{"name":"Pa\'. Give it a greater budget.',
    )


def test_a_value_that_breaks_a_rule_of_its_type_says_which():
    with pytest.raises(hog.ProgramError) as caught:
        play(lambda s: s.gen(City), Played({"main": ['{"name":"Ys","people":0}']}))
    assert (caught.value.code, caught.value.rule) == (
        "value-invalid",
        "what the model wrote is no City: Value error, nobody lives there (people). It fits the "
        "JSON schema, which cannot say this rule. Loosen the rule, or catch this error.",
    )


def test_the_values_of_a_worker_that_forks_are_found_in_any_part():
    def nests(s: hog.Scope) -> tuple[str, ...]:
        with s.fork("a") as team:
            a = team["a"]
            before = a.gen(name="x", max_tokens=4)
            with a.fork("b") as inner:
                told = inner["b"].gen(name="x", max_tokens=4)
            after = a.gen(name="y", max_tokens=4)
        return before.value, told.value, after.value, a["y"], a.text, inner["b"].text

    driver = Played({"a": ["1"], "a/b": ["2"], "a#2": ["3"]})
    assert play(nests, driver) == ("1", "2", "3", "3", "13", "2")
