#!/usr/bin/env bash
# The library without the laboratory's packages: the wheel in an environment of its own embeds a song with the model
# that it brings, and a command of the laboratory names the extra that it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
.venv/bin/python -m hatchling build -t wheel -d "$place" >/dev/null
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check "${TORCH:-torch==2.13.0}"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check "$place"/*.whl
cd "$place"
env/bin/python - <<'PYTHON'
import numpy as np, soundfile
times = np.arange(15 * 22050) / 22050
soundfile.write("song.wav", 0.5 * np.random.default_rng(0).normal(size=len(times)) * np.exp(-30 * (times % 0.5)), 22050)
import motionbeat
assert motionbeat.load().embed_audio("song.wav", mode="grid").clip.shape == (128,)
PYTHON
env/bin/motionbeat embed song.wav --tracker librosa
if env/bin/motionbeat dance song.wav -o dance.npz >said.txt 2>&1 || ! grep -q "motionbeat\[" said.txt; then
  cat said.txt >&2
  echo "motionbeat dance without its packages must name the extra that it needs" >&2
  exit 1
fi
echo "the wheel alone: embeds a song, and names what motionbeat dance needs"
