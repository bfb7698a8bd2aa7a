"""The demo in a real browser: send a file, wait, play, and no complaint in its console."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CHROMIUM, Page, browser

from motionbeat.lab.demo.shown_library import ShownLibrary

pytest_plugins = ("demo_fixtures",)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: the page is not tried in a browser"),
]
SHOWN = "!document.getElementById('result').hidden"


@pytest.fixture
def page(demo_address: str) -> Iterator[Page]:
    with browser() as page:
        page.open(demo_address)
        page.wait("about")
        yield page
        assert page.complaints == []
        assert [url for url in page.requests if not url.startswith((demo_address, "blob:", "about:"))] == []


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_song_is_sent_and_played_with_a_dance(page: Page, demo_library: ShownLibrary, width: int, dark: bool) -> None:
    page.size(width, 844, dark)
    page.choose("#file", demo_library.song_file(0))
    page.wait(SHOWN)
    assert page.run("$('title').textContent") == demo_library.song_file(0).stem
    assert page.run("document.documentElement.scrollWidth") <= width
    page.wait("removePlayer")  # the dance that fits best is on the stage
    before = page.run("$('dancer').toDataURL()")
    page.run("$('play').click()")
    page.wait("audio.currentTime > 1 && !audio.paused")
    assert page.run("$('dancer').toDataURL()") != before
    page.run("$('make').click()")
    page.wait("seed === 1 && removePlayer && !$('make').disabled")
    page.run("$('later').click()")
    assert "turns by 90°" in page.run("$('shifttext').textContent")
    page.run("document.querySelector('#songs button').click()")
    page.wait("!preview.paused && preview.currentTime > 0 && audio.paused")
    assert page.run("$('error').hidden")
    page.run("toggle()")
    page.wait("!audio.paused")
    page.run("$('again').click()")
    page.wait("audio.paused && !$('start').hidden && document.activeElement.id === 'file'")


@pytest.mark.parametrize(("width", "dark"), [(1400, True), (390, False)])
def test_a_gap_of_the_dance_is_filled_and_played(page: Page, width: int, dark: bool) -> None:
    page.size(width, 844, dark)
    page.run("document.querySelector('#examples button').click()")
    page.wait(f"{SHOWN} && source && source.piece !== undefined")
    page.run("$('gapend').value = $('gapbegin').value; $('fill').click()")
    assert "0.5 to 20 s apart" in page.run("$('error').textContent")
    page.run("proposeGap(); $('fill').click()")
    page.wait("gap && !$('fill').disabled", 120)
    assert page.run("$('error').hidden") and page.run("$('fill').textContent") == "Fill it another way"
    assert not page.run("$('dancer').classList.contains('filled')")
    page.wait("!audio.paused && audio.currentTime > gap[0] + 0.2")
    assert page.run("$('dancer').classList.contains('filled') && danceTime() === audio.currentTime")
    assert page.run("document.documentElement.scrollWidth") <= width
    page.run("$('make').click()")
    page.wait("seed === 1 && !$('make').disabled")
    assert page.run("gap === null && source.made === 0 && $('fill').textContent === 'Fill the gap'")


def test_a_dance_is_sent_and_its_music_played(page: Page, demo_library: ShownLibrary) -> None:
    dance = demo_library.index.pieces[1].path
    page.choose("#file", dance)
    page.wait(SHOWN)
    assert page.run("$('choices').querySelector('.name').textContent") == demo_library.song_file(0).stem
    assert page.run("$('barcard').hidden")
    page.run("$('play').click()")
    page.wait("!audio.paused && audio.currentTime > chosen.fits_s[0] + 0.5")
    at = page.run("[danceTime(), chosen.query_s[0] + (audio.currentTime - chosen.fits_s[0]) / chosen.speed]")
    assert at[0] == pytest.approx(at[1], abs=0.2)  # in step with the music


def test_what_is_no_song_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    wrong = tmp_path / "words.wav"
    wrong.write_text("no sound")
    page.choose("#file", wrong)
    page.wait("!$('error').hidden")
    assert "words.wav cannot be decoded" in page.run("$('error').textContent")
    assert not page.run("$('start').hidden")


def test_the_page_is_used_by_keyboard_and_named_for_screen_readers(page: Page) -> None:
    names = page.run(
        "[...document.querySelectorAll('button, input, canvas:not([aria-hidden]), svg[role]')].filter((e) => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('aria-label') === '' || "
        "e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert names == []
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert page.run("document.activeElement.className") == "skip"
    page.run("document.querySelector('#examples button').focus()")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.wait(SHOWN)
    assert page.run("document.activeElement.id") == "title"
