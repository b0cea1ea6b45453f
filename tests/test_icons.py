"""Templates and the sprite name the same icons."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parent.parent / "templates"
SPRITE = TEMPLATES / "icons.html"


def icons_in_templates() -> set[str]:
    pages = [page.read_text() for page in TEMPLATES.rglob("*.html")]
    return {name for page in pages for name in re.findall(r"""{%\s*icon\s+"([^"]+)""", page)}


def icons_in_sprite() -> list[str]:
    return re.findall(r'<symbol id="i-([^"]+)"', SPRITE.read_text())


def test_every_icon_of_a_template_stands_in_the_sprite() -> None:
    assert icons_in_templates() - set(icons_in_sprite()) == set()


def test_the_sprite_holds_no_icon_that_no_template_shows() -> None:
    assert set(icons_in_sprite()) - icons_in_templates() == set()


def test_the_sprite_holds_each_icon_once() -> None:
    assert len(icons_in_sprite()) == len(set(icons_in_sprite()))


def test_icons_are_named_outright() -> None:
    """A name that a template computes could not be checked here."""
    pages = [page.read_text() for page in TEMPLATES.rglob("*.html")]
    assert [tag for page in pages for tag in re.findall(r"{%\s*icon\s+[^\"\s][^%]*%}", page)] == []
