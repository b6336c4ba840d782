"""The template tags, and the form templates: what they write, escaped, with Django's own ids."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django import forms
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template import Context, Template
from django.utils.safestring import SafeString, mark_safe
from pytest_django import Settings

from semafore.kernel import clock
from semafore.kernel.clock import rfc3339

TAG = "{% fingerprint value %}"
ROOT = Path(__file__).parents[2]


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


class PhoneForm(forms.Form):
    """One field of each sort."""

    name = forms.CharField(help_text="<i>Surname</i> too")
    note = forms.CharField(help_text=mark_safe("<i>Safe</i>"), required=False)
    kind = forms.ChoiceField(
        widget=forms.RadioSelect, choices=[("a", "A"), ("b", "B")], help_text="One of them"
    )
    agreed = forms.BooleanField(help_text="All of it")


@pytest.mark.parametrize("tag", ["moment", "until"])
def test_no_time_is_no_words(tag: str) -> None:
    assert render(f"{{% {tag} value %}}", value=None) == ""


def test_a_time_is_in_utc_whatever_zone_it_came_in() -> None:
    value = clock.now()

    assert f'datetime="{rfc3339(value)}"' in render("{% moment value %}", value=value)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=3, hours=5), "in 3\xa0days"),
        (timedelta(minutes=1, seconds=30), "in 1\xa0minute"),
        (timedelta(seconds=20), "now"),
        (timedelta(seconds=-20), "now"),
        (timedelta(hours=-2, minutes=-1), "2\xa0hours ago"),
        (timedelta(days=1, hours=23, minutes=1), "in 47\xa0hours"),
        (timedelta(days=-10, hours=-1), "10\xa0days ago"),
    ],
)
def test_how_far_off_a_time_is(ahead: timedelta, words: str) -> None:
    written = render("{% until value %}", value=clock.now() + ahead)

    assert f"<span>{words}</span>" in written
    assert "<time" in written


def test_a_status_is_a_word() -> None:
    assert render("{% status 'awaiting_approval' %}") == (
        '<span class="status status-awaiting_approval">Awaiting approval</span>'
    )


def test_a_fingerprint_keeps_its_groups_and_is_copied_whole() -> None:
    written = render(TAG, value="30251 98476")

    assert 'data-copy="30251 98476"' in written
    assert "<span>30251</span> <span>98476</span>" in written


def test_a_value_in_one_piece_is_grouped_without_white_space() -> None:
    assert "<span>30251</span><span>98476</span>" in render(TAG, value="3025198476")
    assert "<span>9f86d081</span><span>884c</span>" in render(TAG, value="9f86d081884c")


def test_whatever_a_fingerprint_holds_is_escaped() -> None:
    assert "<b>" not in render(TAG, value="<b>bold</b>")
    assert "<b>" not in render(TAG, value="<b> bold")


@pytest.mark.parametrize(
    ("tag", "width", "wrong"),
    [
        ("{% bar 50 100 'half' %}", "60.0", False),
        ("{% bar 4 100 'few' low=5 %}", "4.8", True),
        ("{% bar 5 100 'enough' low=5 %}", "6.0", False),
        ("{% bar 169 336 'old' high=168 %}", "60.4", True),
        ("{% bar 900 100 'more than all' %}", "120", False),
        ("{% bar 1 0 'of nothing' %}", "0", False),
    ],
)
def test_a_bar(tag: str, width: str, wrong: bool) -> None:
    written = render(tag)

    assert f'class="bar-value" width="{width}"' in written
    assert ("bar-wrong" in written) is wrong
    assert ("bar-mark" in written) is ("low=" in tag or "high=" in tag)


def test_a_bar_says_in_words_what_it_shows() -> None:
    written = render("{% bar 3 9 label %}", label="<3 of 9>")

    assert '<span class="bar-label">&lt;3 of 9&gt;</span>' in written
    assert 'aria-hidden="true"' in written


def icons_used() -> Iterator[str]:
    from console.navigation import SECTIONS

    yield from (entry.icon for entries in SECTIONS.values() for entry in entries)
    for template in (ROOT / "templates").rglob("*.html"):
        for piece in template.read_text(encoding="utf-8").split('{% icon "')[1:]:
            yield piece.partition('"')[0]


def test_every_icon_is_in_the_sprite() -> None:
    sprite = (ROOT / "static" / "img" / "icons.svg").read_text(encoding="utf-8")
    used = set(icons_used())

    assert len(used) > 10
    assert [name for name in sorted(used) if f'<symbol id="{name}"' not in sprite] == []
    assert '/static/img/icons.svg#check"' in render("{% icon 'check' %}")


def field(form: forms.Form, name: str) -> str:
    return form[name].as_field_group()


def test_hints_are_escaped_unless_they_are_safe() -> None:
    form = PhoneForm()

    assert "&lt;i&gt;Surname&lt;/i&gt;" in field(form, "name")
    assert "<i>Safe</i>" in field(form, "note")


def test_label_hint_error_and_control_come_in_this_order() -> None:
    written = field(PhoneForm({}), "name")
    places = [
        written.index(part)
        for part in (
            '<label for="id_name">',
            'id="id_name_helptext"',
            'id="id_name_error"',
            "<input",
        )
    ]

    assert places == sorted(places)
    assert 'aria-describedby="id_name_helptext id_name_error"' in written
    assert 'aria-invalid="true"' in written


def test_radio_buttons_are_a_described_fieldset() -> None:
    written = field(PhoneForm({}), "kind")

    assert '<fieldset aria-describedby="id_kind_helptext id_kind_error">' in written
    assert "<legend>Kind" in written


def test_a_checkbox_stands_before_its_label_and_is_described() -> None:
    written = field(PhoneForm({}), "agreed")

    assert written.index("<input") < written.index('<label for="id_agreed">')
    assert 'aria-describedby="id_agreed_helptext id_agreed_error"' in written


def test_only_what_may_stay_empty_says_so() -> None:
    assert "(optional)" in field(PhoneForm(), "note")
    assert "(optional)" not in field(PhoneForm(), "name")


def test_the_error_summary_links_to_each_control() -> None:
    form = PhoneForm({"note": "x"})
    form.add_error(None, "<b>All</b> wrong.")
    written = str(form)

    assert 'href="#id_name">Name \N{EN DASH} This field is required.</a>' in written
    assert 'href="#id_kind_0">Kind \N{EN DASH} ' in written
    assert "&lt;b&gt;All&lt;/b&gt; wrong." in written
    assert isinstance(form.render(), SafeString)


def test_without_errors_there_is_no_summary() -> None:
    assert "error-summary" not in str(PhoneForm())


def test_what_production_serves_can_be_collected(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {
            "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
        },
    }
    call_command("collectstatic", verbosity=0, interactive=False)

    assert finders.find("css/tokens.css")
    assert (tmp_path / "staticfiles.json").exists()
    (sheet,) = (path for path in (tmp_path / "css").glob("tokens.*.css"))
    assert f'href="/static/css/{sheet.name}"' in render(
        "{% load static %}<link href=\"{% static 'css/tokens.css' %}\">"
    )
