"""The `motionbeat dance` command: what it writes and says, in-betweening, and how it refuses."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from attrs import evolve
from conftest import LAYOUT
from generator_parts import SMALL, small_slices, swaying

from motionbeat import weights
from motionbeat.audio.decode import decode
from motionbeat.beats import track
from motionbeat.cli import app as cli
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.corpora.formats import read_motion
from motionbeat.lab.encoders.feature_cache import FRAME_S, cached
from motionbeat.lab.encoders.motionbeat_encoder import trained
from motionbeat.lab.generator import dance_files
from motionbeat.lab.generator.dance_song import Part, beats_of, condition, known, listener
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.generator.music_condition import checked
from motionbeat.lab.generator.rule_dancer import dance_by_rules
from motionbeat.lab.generator.sampling import as_dance, generate
from motionbeat.lab.item_cache import ItemCache
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[2]
RATE, SECONDS, WIDTH = 22_050, 7.0, 16
FAST = ("--steps", "2", "--tracker", "none")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder and an untrained generator that hears it, where the command looks for them."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    settings = evolve(params.load(ROOT / "params.yaml").model, width=WIDTH, heads=2, embedding=8, layers=1)
    DualEncoder(ModelConfig.of(settings, LAYOUT)).save(folder / "models/motionbeat")
    identity = trained(str(folder / "models/motionbeat")).identity
    sizes = {name: SMALL[name] for name in ("width", "layers", "heads", "feedforward", "condition_layers", "patch")}
    flags = {"aligned": True, "preconditioned": False, "dropout": 0.0, "condition_width": WIDTH}
    model = DanceGenerator(GeneratorConfig(encoder="motionbeat", encoder_identity=identity, **sizes | flags))
    slices = small_slices()
    model.set_statistics(slices.vectors, torch.randn(100, WIDTH), slices.parts())
    # about a pose that a person can have, so that its dances can be read again
    weight = torch.nn.init.normal_(model.network.vector_out.weight, std=0.01)
    torch.nn.init.normal_(weight.data.view(SMALL["patch"], -1, WIDTH)[:, :4])  # contacts come and go
    pose = model.scaled(slices.vectors).reshape(-1, slices.vectors.shape[-1]).mean(dim=0)
    model.network.vector_out.bias.data.copy_(pose.repeat(SMALL["patch"]))
    model.save(folder / "models/dance/motionbeat")
    times = np.arange(int(SECONDS * RATE)) / RATE
    clicks = 0.5 * np.sin(2 * np.pi * 220 * times) * np.exp(-30 * (times % 0.5))
    soundfile.write(folder / "song.wav", clicks, RATE)
    soundfile.write(folder / "short.wav", clicks[: int(4.9 * RATE)], RATE)
    soundfile.write(folder / "five.wav", clicks[: 5 * RATE], RATE)
    dance = as_dance(torch.as_tensor(swaying(150, 15)))
    for kind in ("npz", "bvh"):
        dance_files.write(folder / f"free.{kind}", dance)
    soundfile.write(folder / "silent.wav", np.zeros(6 * RATE), RATE)
    return folder


@pytest.fixture
def run(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def command(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["motionbeat", "dance", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def song_part(path: str, start_s: float = 0.0, seconds: float | None = None) -> Part:
    return Part.of(decode(path), start_s, seconds)


def test_a_song_becomes_the_dance_that_the_library_makes(run):
    code, out, err = run("song.wav", "-o", "dance.npz", "--seed", 3, "--guidance", 2, *FAST)
    assert (code, err) == (0, "song.wav: dancing to 7.0 s by the generator in models/dance/motionbeat\n")
    assert out.startswith("song.wav: 7.0 s of dance, seed 3 -> dance.npz\nfoot skating ")
    assert out.endswith("BAS not computed: no beats\n")
    model = DanceGenerator.load("models/dance/motionbeat")
    music = condition(listener("motionbeat"), song_part("song.wav"))
    assert music.shape == (210, WIDTH)
    expected = generate(model, music, seed=3, steps=2)
    with np.load("dance.npz") as arrays:
        np.testing.assert_allclose(arrays["joints"], expected.joints, atol=1e-5)
        np.testing.assert_allclose(arrays["contacts"], expected.contacts, atol=1e-5)


def test_feet_slide_where_they_are_not_to_be_planted(run):
    skating = {}
    for flag in ("--plant", "--no-plant"):
        code, out, _ = run("song.wav", "-o", f"{flag}.npz", flag, *FAST)
        assert code == 0
        skating[flag] = float(re.search(r"foot skating (\S+) m/s", out).group(1))
    with np.load("--plant.npz") as one, np.load("--no-plant.npz") as other:
        np.testing.assert_array_equal(one["contacts"], other["contacts"])
        assert np.abs(one["joints"] - other["joints"]).max() > 1e-3
    assert skating["--plant"] <= skating["--no-plant"]


def test_the_seed_decides_the_dance_and_the_ending_its_form(run):
    for name, seed in (("a.bvh", 1), ("b.bvh", 1), ("c.bvh", 2), ("a.pkl", 1)):
        assert run("song.wav", "-o", name, "--seed", seed, *FAST)[0] == 0
    one, two, other = (Path(name).read_bytes() for name in ("a.bvh", "b.bvh", "c.bvh"))
    assert one == two != other
    np.testing.assert_allclose(read_motion(Path("a.pkl")).joints[::2], read_motion(Path("a.bvh")).joints, atol=1e-4)


def test_a_format_without_a_name_is_written_beside_and_a_part_of_the_song_begins_where_told(run):
    assert run("song.wav", "--format", "npz", "--start", 1.5, "--seconds", 5, *FAST)[0] == 0
    with np.load("song.npz") as arrays:
        assert arrays["joints"].shape == (150, 24, 3)


def test_only_the_part_and_some_seconds_around_it_are_encoded_and_tracked_to_the_same_result(run, models):
    times = np.arange(80 * RATE) / RATE
    clicks = np.sin(2 * np.pi * 220 * times) * np.exp(-30 * (times % 0.5)) * (0.3 + 0.2 * np.sin(times))
    soundfile.write("long.wav", clicks, RATE)
    part, encoder = song_part("long.wav", 33.2, 5.0), listener("motionbeat")
    sound, begin = part.with_context()
    assert (begin, len(sound.samples) / RATE) == (24.0, 24.0)
    whole = condition(encoder, song_part("long.wav"))
    np.testing.assert_allclose(condition(encoder, part), whole[996:1146], atol=2e-3)
    tracked = track("long.wav", tracker="librosa").times - 33.2
    np.testing.assert_allclose(beats_of(part, "librosa").times, tracked[(tracked >= 0) & (tracked < 5.0)], atol=0.03)


def test_by_rules_a_song_is_danced_to_without_any_model_or_params(run, tmp_path):
    shutil.rmtree(tmp_path / "models")
    words = ("song.wav", "--dancer", "rules", "--tracker", "librosa", "--start", 1, "--seconds", 5.5, "--seed", 4)
    code, out, err = run(*words, "-o", "dance.npz")
    assert (code, err) == (0, "song.wav: dancing to 5.5 s by rules\n") and "BAS 0." in out
    part = song_part("song.wav", 1.0, 5.5)
    expected = dance_by_rules(part.music(), None, beats_of(part, "librosa"), 4)
    with np.load("dance.npz") as arrays:
        np.testing.assert_array_equal(arrays["joints"], expected.joints)
        assert len(arrays["joints"]) == 165


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tracker", "none"], "a dance by rules needs beats, --dancer learned does not"),
        (["--tracker", "librosa", "--steps", 2, "--hold", 1, "--model", "x"], "--steps, --model: only for --dancer l"),
    ],
)
def test_what_a_dance_by_rules_cannot_use_is_refused(run, words, says):
    code, _, err = run("song.wav", "-o", "dance.npz", "--dancer", "rules", *words)
    assert code == 1 and says in err


def test_the_dancer_is_the_generator_trained_here_else_the_rules_and_learned_that_of_the_package(
    run, tmp_path, monkeypatch
):
    words = ("song.wav", "-o", "dance.npz", "--seconds", 5)
    code, _, err = run(*words, "--tracker", "none", *FAST)
    assert (code, err) == (0, f"song.wav: dancing to 5.0 s by the generator in {Path('models/dance/motionbeat')}\n")
    (tmp_path / "models").rename("packaged")
    monkeypatch.setattr(weights, "GENERATOR", Path("packaged/dance/motionbeat"))
    monkeypatch.setattr(weights, "SHIPPED", Path("packaged/motionbeat"))
    code, _, err = run(*words, "--tracker", "none", "--dancer", "learned")
    assert (code, err) == (0, "song.wav: dancing to 5.0 s by the generator that comes with motionbeat\n")
    code, _, err = run(*words, "--tracker", "librosa")
    assert (code, err) == (0, "song.wav: dancing to 5.0 s by rules\n")
    shutil.rmtree("packaged")
    code, _, err = run(*words, "--dancer", "learned")
    assert code == 1 and "config.json is missing" in err and "--dancer rules, which needs none" in err


def test_a_song_is_heard_as_in_the_training_of_generators(run, tmp_path):
    encoder = listener("motionbeat")
    frames = cached(ItemCache.of("features"), encoder, "cpu", Path("song.wav"), "digest", True).frames()
    trained_on = checked("song", frames, np.arange(len(frames)) * FRAME_S).condition(SECONDS)
    np.testing.assert_array_equal(condition(encoder, song_part("song.wav")), trained_on)


def test_a_song_of_five_seconds_is_just_long_enough(run):
    assert run("five.wav", "-o", "dance.bvh", *FAST)[0] == 0


def test_the_video_has_the_music_and_the_scores_stand_beside_chance(run):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    code, out, _ = run("song.wav", "--seconds", 5, "--steps", 2, "--tracker", "librosa", "--start", 1, "--size", 160)
    assert code == 0 and "-> song.mp4" in out
    assert re.search(r"BAS 0\.\d+ \(bailando; chance 0\.\d+, z [+-]\d+\.\d\), 0\.\d+ \(fact; chance ", out)
    with av.open("song.mp4") as film:
        assert {stream.type for stream in film.streams} == {"video", "audio"}
        assert film.duration / 1e6 == pytest.approx(5.0, abs=0.1)


def test_a_song_in_which_no_beats_are_found_is_danced_all_the_same(run):
    times = np.arange(6 * RATE) / RATE
    soundfile.write("hum.wav", 0.3 * np.sin(2 * np.pi * 50 * times) * (1 + 0.2 * times), RATE)
    code, out, err = run("hum.wav", "-o", "dance.bvh", "--steps", 2, "--tracker", "librosa")
    assert code == 0 and "BAS not computed" in out and "no beats: hum.wav: librosa finds" in err


def test_the_new_dance_goes_on_from_one_dance_and_leads_into_another(run):
    for name, seed in (("one.npz", 1), ("other.pkl", 2)):
        assert run("song.wav", "-o", name, "--seed", seed, *FAST)[0] == 0
    ends = ("--start-from", "one.npz", "--end-with", "other.pkl", "--hold", 0.5)
    assert run("song.wav", "-o", "between.npz", "--seed", 3, *ends, *FAST)[0] == 0
    made, one, other = (known(Path(name)) for name in ("between.npz", "one.npz", "other.pkl"))
    rest = slice(4, None)  # contacts aside, which files of poses do not hold
    np.testing.assert_allclose(made[:15, rest], one[-15:, rest], atol=1e-4)
    np.testing.assert_allclose(made[-15:, rest], other[:15, rest], atol=1e-4)
    assert np.abs(made[15:-15, rest] - one[15:-15, rest]).max() > 1e-2


def test_a_song_that_is_the_default_video_is_kept(run):
    shutil.copyfile("song.wav", "clip.mp4")
    code, _, err = run("clip.mp4")
    assert (
        code == 1 and err == "error: clip.mp4 is an input, which would be replaced: name another file with --output\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["short.wav"], r"short\.wav lasts 4\.90 s; a dance needs at least 5 s of music"),
        (["silent.wav"], r"silent\.wav is silent"),
        (["gone.wav"], r"gone\.wav does not exist"),
        (["song.wav", "--seconds", 4], "a part of 4 s starting at 0 s does not fit; .*at least 5 s"),
        (["song.wav", "--start", 3], "lasts 7.00 s: a part of 4 s starting at 3 s does not fit"),
        (["song.wav", "--start", -1], "starting at -1 s does not fit"),
        (
            ["song.wav", "--start", 5000],
            "lasts 7.00 s: a start of 5000 s is after the end of the song; .* 2 s or earl",
        ),
        (["song.wav", "--seconds", "nan"], "--seconds nan: give a finite number"),
        (["song.wav", "--start-from", "free.npz", "-o", "free.npz"], r"free\.npz is an input, which would be replaced"),
        (["song.wav", "--size", 721, "-o", "dance.mp4"], "size = 721: give an even number"),
        (["song.wav", "--steps", 1_000_000_000], "steps = 1000000000; expected 1 to"),
        (
            ["song.wav", "--model", "gone"],
            r"gone/config\.json is missing: name the folder of a dance generator with --mod",
        ),
        (["song.wav", "--encoder-model", "gone"], r"gone/config\.json is missing: .* with --encoder-model"),
        (["song.wav", "--guidance", -1], "guidance = -1"),
        (["song.wav", "--steps", 0], "steps = 0"),
        (["song.wav", "-o", "dance.fbx"], r"a name that ends in \.mp4, \.npz, \.pkl, \.bvh"),
        (["song.wav", "-o", "dance.bvh", "--format", "npz"], r"ends in \.bvh, but --format is npz"),
        (["song.wav", "--start-from", "gone.npz"], r"gone\.npz is missing"),
        (["song.wav", "--start-from", "free.bvh"], r"free\.bvh has no joint rotations to hold"),
        (["song.wav", "--start-from", "free.npz", "--hold", 9], "9 s held leave nothing of 7.00 s"),
        (["song.wav", "--start-from", "free.npz", "--hold", 6], "lasts 5.00 s, less than the 6 s"),
        (["song.wav", "--start-from", "free.npz", "--hold", 0], "0 s held"),
        (["song.wav", "--end-with", "free.npz", "--hold", "1e300"], r"1e\+300 s held leave nothing"),
    ],
)
def test_wrong_input_is_refused_in_one_line_with_the_fix(run, words, says):
    given = words if "-o" in words else [*words, "-o", "dance.npz"]
    code, out, err = run(*given, *(() if "--steps" in words else FAST))
    lines = err.splitlines()
    assert (code, out) == (1, "") and lines[-1].startswith("error: ") and len(lines) <= 2
    assert re.search(says, lines[-1]), err
    assert not Path("dance.npz").exists()


def test_a_generator_of_another_encoder_or_of_other_weights_is_refused(run, tmp_path):
    torch.manual_seed(1)
    settings = evolve(params.load(ROOT / "params.yaml").model, width=WIDTH, heads=2, embedding=8, layers=1)
    DualEncoder(ModelConfig.of(settings, LAYOUT)).save(tmp_path / "other")
    code, _, err = run("song.wav", "-o", "dance.npz", "--encoder-model", "other", *FAST)
    assert code == 1 and "was trained with other weights of the encoder motionbeat" in err and err.count("\n") == 1
    config = tmp_path / "models/dance/motionbeat/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"encoder": "mel"}))
    code, _, err = run("song.wav", "-o", "dance.npz", *FAST)
    assert code == 1 and "other weights of the encoder mel" in err


def test_an_encoder_that_is_not_the_projects_own_is_described_by_params(run, tmp_path):
    with pytest.raises(MotionBeatError, match=r"params\.yaml is missing"):
        listener("wav2vec2")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    with pytest.raises(MotionBeatError, match="nowhere"):
        listener("wav2clip", "nowhere/at all.pt")


def test_help_says_what_comes_out_and_how_to_use_it(run):
    code, out, _ = run("--help")
    text = " ".join(re.sub(r"[│\n]", " ", out).split())
    assert code == 0
    for word in (
        "--seed",
        "--format",
        "bvh",
        "Blender",
        "AIST++",
        "skating",
        "PFC",
        "chance",
        "--start-from",
        "--model",
    ):
        assert word in text


def test_guidance_and_steps_are_those_of_params_yaml_here_or_of_the_package(run, tmp_path):
    """A dance without the two options is the one with them."""

    def made(*words: str) -> bytes:
        code, _, err = run("five.wav", "-o", "made.npz", "--tracker", "none", *words)
        assert code == 0, err
        return (tmp_path / "made.npz").read_bytes()

    packaged = params.load(ROOT / "params.yaml").dance
    given = ("--guidance", str(packaged.guidance), "--steps", str(packaged.sampling_steps))
    assert made() == made(*given)
    whole = (ROOT / "params.yaml").read_text(encoding="utf-8")
    here = whole.replace("  guidance: 3.0 ", "  guidance: 1.5 ").replace(
        "  sampling_steps: 20 ", "  sampling_steps: 4 "
    )
    (tmp_path / "params.yaml").write_text(here, encoding="utf-8")
    assert made() == made("--guidance", "1.5", "--steps", "4") != made(*given)
