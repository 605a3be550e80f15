from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.providers.demo.moves import Say, bounded, say, words


@given(st.text(alphabet=st.one_of(st.sampled_from(" \t\n\rab"), st.characters()), max_size=60))
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text
    assert all(words(text))


@given(st.text(alphabet="ab ", max_size=40), st.lists(st.text(alphabet="ab ", min_size=1, max_size=3), max_size=3))
def test_stop_keeps_what_is_before_the_first_stop_text(text: str, stop: list[str]) -> None:
    kept = "".join(move.text for move in bounded(say(text), stop, None) if isinstance(move, Say))
    assert kept == text[: min((place for word in stop if (place := text.find(word)) >= 0), default=len(text))]
