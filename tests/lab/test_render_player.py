"""Claims about the player of stick figures: the dance that it is given, and what a browser draws of it."""

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
from drawn_dance import BEATS, RATE, clicks, dance, drawn

from motionbeat.lab.render.playable import FPS, playable, player_script, sound

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def test_the_player_is_given_the_dance_to_a_millimetre_at_its_rate():
    contacts = np.random.default_rng(0).random((120, 4)) < 0.5
    given = playable(drawn(dance(), contacts=contacts))
    joints = np.frombuffer(base64.b64decode(given["joints"]), "<i2").reshape(-1, 24, 3) / 1000
    assert given["fps"] == FPS and len(joints) == 60
    np.testing.assert_allclose(joints, dance()[::2], atol=6e-4)
    bits = np.frombuffer(base64.b64decode(given["contacts"]), np.uint8)[:, None] >> np.arange(4) & 1
    np.testing.assert_array_equal(bits, contacts[::2])
    assert given["beats"] == BEATS.tolist()
    assert len(playable(drawn(), seconds=1.0)["beats"]) == 2


def test_sound_is_the_same_bytes_each_time_and_its_clicks_stay_in_place(tmp_path):
    address = sound(clicks(BEATS), RATE)
    assert address == sound(clicks(BEATS), RATE)
    (tmp_path / "a.mp3").write_bytes(base64.b64decode(address.partition(",")[2]))
    samples, rate = soundfile.read(tmp_path / "a.mp3")
    loud = np.flatnonzero(np.abs(samples) > 0.2) / rate
    np.testing.assert_allclose(loud[np.diff(loud, prepend=-1) > 0.2], BEATS, atol=0.003)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_draws_the_dance_at_the_time_of_its_sound(tmp_path):
    """Orange is the left arm, which is up at 0.5 s and down at 0 s."""
    page = f"""<body><figure><canvas id="c" style="width:200px;height:200px"></canvas></figure><script>
window.requestAnimationFrame = (draw) => setTimeout(draw, 16); // frames may never come in virtual time, timers do
{player_script()}
const audio = new EventTarget(); audio.currentTime = 0; audio.paused = true;
motionbeatPlayer(c, audio, {json.dumps(playable(drawn()))});
const highest = [];
const look = () => {{
  const {{ data, width, height }} = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  for (let i = 0; i < data.length; i += 4) if (data[i] > 200 && data[i + 2] < 60 && data[i + 3] > 200)
    return highest.push(Math.floor(i / 4 / width) / height);
  highest.push(-1);
}};
look();
audio.currentTime = 0.5;
audio.dispatchEvent(new Event("seeked"));
requestAnimationFrame(() => requestAnimationFrame(() => {{ look(); document.title = highest.join(" "); }}));
</script>"""
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/chromium"]
    address = (tmp_path / "page.html").as_uri()
    command = [BROWSER, *options, "--virtual-time-budget=20000", "--dump-dom", address]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"<title>(.*?)</title>", seen)
    assert found, seen
    low, high = map(float, found[1].split())
    assert 0 < high < low - 0.1
