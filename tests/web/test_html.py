from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.web.markup import join, lines, tag


class Seen(HTMLParser):
    """What a parser makes of a document: its elements with attributes, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])), st.text())
def test_no_text_breaks_out_of_its_element_or_attribute(text: str, value: str) -> None:
    seen = Seen(tag("p", text, title=value))
    assert [name for name, _ in seen.elements] == ["p"]
    assert seen.elements[0][1].keys() == {"title"}
    if not {"\u2028", "\u2029"} & set(text):
        assert seen.text == text


def test_a_nested_element_is_kept_and_text_beside_it_escaped() -> None:
    assert tag("p", tag("b", "1 < 2"), "<i>") == "<p><b>1 &lt; 2</b>&lt;i&gt;</p>"


def test_attributes_are_named_as_html_has_them() -> None:
    assert tag("a", class_="x", aria_sort="none", hidden=True, title=None, open=False) == (
        '<a class="x" aria-sort="none" hidden></a>'
    )


def test_elements_without_content_have_no_end() -> None:
    assert tag("input", name="q", value='"') == '<input name="q" value="&quot;">'


def test_control_characters_are_made_visible() -> None:
    assert join("a\0b\nc\ud800\u2028") == "a\\u0000b\\u000ac\\ud800\\u2028"


def test_lines_stay_lines_and_each_keeps_its_direction_to_itself() -> None:
    assert lines("a<\nb\u202e") == "<bdi>a&lt;</bdi><br><bdi>b\u202e</bdi>"
