from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.errors import MioError
from nodes.thinker.construction.manuscript import SECTION_WORDS, chapters_of, read_manuscript


def test_gutenberg_books_are_read_without_licence_contents_and_line_breaks() -> None:
    text = (
        "The Project Gutenberg eBook\n\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\nA Book\n\nby Y\n\n"
        "CHAPTER I\n\nCHAPTER II\n\n\nCHAPTER I. The Fox\n\nThe fox\ncame.\n\nHe went.\n\n"
        "Chapter II\n\nThe end came.\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\nlicence"
    )
    assert chapters_of(text) == [
        (1, "CHAPTER I. The Fox", "The fox came.\n\nHe went."),
        (2, "Chapter II", "The end came."),
    ]


def test_markdown_headings_begin_chapters() -> None:
    assert chapters_of("# One\ntext\n## Two\nmore\ntext") == [(1, "One", "text"), (2, "Two", "more text")]


def test_bare_numbers_begin_chapters() -> None:
    assert [chapter.title for chapter in chapters_of("I\n\nOne came.\n\nII.\n\nTwo came.\n\n3\n\nThree.")] == [
        "I",
        "II.",
        "3",
    ]


def test_a_preface_is_kept_and_a_title_page_is_not() -> None:
    preface = "word " * 50
    assert chapters_of(f"{preface}\n\n# One\n\nx")[0].text == preface.strip()
    assert chapters_of("Title\n\n# One\n\nx")[0].text == "x"


def test_ornaments_part_a_text_without_headings() -> None:
    assert [chapter.text for chapter in chapters_of("One.\n\n* * *\n\nTwo.\n\n***\n\nThree.")] == [
        "One.",
        "Two.",
        "Three.",
    ]


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=12))
def test_a_text_without_any_marks_is_cut_into_sections_and_loses_no_word(lengths: list[int]) -> None:
    chapters = chapters_of("\n\n".join("word " * length for length in lengths))
    words = [len(chapter.text.split()) for chapter in chapters]
    assert sum(words) == sum(lengths)
    assert all(count >= SECTION_WORDS for count in words[:-1])


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe\x00", "not UTF-8 text"), (b" \n\n", "no words"), (None, "No such file")]
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MioError, match=says):
        read_manuscript(path)
