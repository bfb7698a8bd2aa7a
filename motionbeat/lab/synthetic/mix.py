"""Mixing and mastering of the tracks: room, equaliser, compressor, saturation, hiss."""

import numpy as np
from attrs import frozen
from scipy.signal import butter, firwin2, lfilter, sosfilt

from motionbeat.lab.synthetic.plan import SAMPLE_RATE
from motionbeat.lab.synthetic.waves import Sound, band, convolved, high_pass, seconds

_OCTAVES = 62.5 * 2.0 ** np.arange(8)  # Hz, 62.5 to 8,000
_TAPS = 1023
_FRAME = 4096
_BLOCK = 256  # samples between two gains of the compressor


@frozen
class Mix:
    """How a song is mixed and mastered."""

    gain: dict[str, float]  # of each instrument
    reverb_s: float  # time to decay by 60 dB
    wet: float
    slope: float  # target slope of the master, dB per octave
    colour: tuple[float, ...]  # dB of deviation from that slope in each octave
    drive: float
    ratio: float  # of the compressor
    duck: float  # how much the kick lowers the pitched parts, 0 to 1
    hiss_db: float  # below the peak
    crackle: bool
    loudness: float  # peak of the wave file


_LEVELS = {"low": 0.95, "back": 1.1, "high": 1.0, "hats": 0.3, "crash": 0.55, "riser": 0.2}
_RMS = {"bass": 0.13, "pad": 0.085, "comp": 0.1, "lead": 0.08}


def mix(rng: np.random.Generator) -> Mix:
    """Draw a mix. Drum levels are peaks, those of pitched parts RMS while they play."""
    drums = 10 ** (rng.uniform(-3, 3) / 20)  # relative to the pitched parts
    levels = {name: level * drums for name, level in _LEVELS.items()} | _RMS
    return Mix(
        gain={name: level * 10 ** (rng.uniform(-2.5, 2.5) / 20) for name, level in levels.items()},
        reverb_s=float(rng.uniform(0.4, 1.6)),
        wet=float(rng.uniform(0.08, 0.3)),
        slope=float(rng.uniform(-2.2, -0.9)),
        colour=tuple(rng.normal(0, 1.5, len(_OCTAVES)).tolist()),
        drive=float(rng.uniform(0.5, 1.3)),
        ratio=float(rng.uniform(1.2, 2.5)),
        duck=float(rng.choice((0.0, 0.15, 0.4))),
        hiss_db=float(rng.uniform(-72, -58)),
        crackle=bool(rng.random() < 0.2),
        loudness=float(10 ** (rng.uniform(-9, -0.5) / 20)),
    )


def balanced(track: Sound, rms: float) -> Sound:
    """A pitched track scaled to an RMS over the samples where it plays."""
    power = track**2
    power *= power > 1e-3 * power.max()
    playing = np.count_nonzero(power)
    return track * (rms / np.sqrt(power.sum() / playing)) if playing else track


def master(rng: np.random.Generator, chosen: Mix, drums: dict[str, Sound], pitched: Sound, kicks_s: Sound) -> Sound:
    """The finished song, peak `chosen.loudness`, from its drum tracks and the sum of its pitched ones."""
    samples = len(pitched)
    pitched = pitched * _ducking(samples, kicks_s, chosen.duck)
    dry = sum(drums.values(), pitched)
    send = dry - 0.9 * drums["low"]
    wet = convolved(high_pass(send, 180), _room(rng, chosen.reverb_s))[:samples]
    song = _compressed(dry + chosen.wet * wet, chosen.ratio)
    song = _equalised(song, chosen)
    song *= chosen.drive / np.percentile(np.abs(song[::7]), 99.9)
    np.tanh(song, out=song)
    song /= np.abs(song).max()
    song += _medium(rng, samples, chosen)
    song = high_pass(song, 25)
    fade = np.arange(round(0.2 * SAMPLE_RATE))[::-1] / (0.2 * SAMPLE_RATE)
    song[-len(fade) :] *= fade
    song *= chosen.loudness / np.abs(song).max()
    return song


def _room(rng: np.random.Generator, reverb_s: float) -> Sound:
    """A room's response of unit energy: early reflections, then noise whose high frequencies decay first."""
    t = seconds(reverb_s)
    noise = rng.normal(0, 1, len(t))
    bass = sosfilt(butter(1, 2500, fs=SAMPLE_RATE, output="sos"), noise)
    tail = (bass * np.exp(-6.9 * t / reverb_s) + (noise - bass) * np.exp(-14 * t / reverb_s)) * (t > 0.012)
    for delay_s in rng.uniform(0.004, 0.04, 8):
        tail[round(delay_s * SAMPLE_RATE)] += rng.choice((-1, 1)) * 6 * np.exp(-delay_s / 0.03)
    return tail / np.sqrt(np.sum(tail**2))


def _ducking(samples: int, kicks_s: Sound, depth: float) -> Sound:
    impulses = np.zeros(samples)
    impulses[np.clip(np.round(kicks_s * SAMPLE_RATE).astype(int), 0, samples - 1)] = 1
    pressed = lfilter([1], [1, -np.exp(-1 / (0.09 * SAMPLE_RATE))], impulses)
    return 1 - depth * np.minimum(pressed, 1)


def _compressed(song: Sound, ratio: float) -> Sound:
    """Feed-forward compression of levels above the song's RMS, 10 ms attack and 120 ms release."""
    blocks = -(-len(song) // _BLOCK)
    power = (np.pad(song, (0, blocks * _BLOCK - len(song))) ** 2).reshape(blocks, _BLOCK).mean(axis=1)
    over = np.maximum(10 * np.log10(power / power.mean() + 1e-9), 0)
    # Release first: the maximum of the current level and the decaying past; then the attack smooths both edges.
    falling = np.exp(-_BLOCK / (0.12 * SAMPLE_RATE))
    held, last = np.empty(blocks), 0.0
    for block, excess in enumerate(over.tolist()):
        last = max(excess, last * falling)
        held[block] = last
    keep = np.exp(-_BLOCK / (0.01 * SAMPLE_RATE))
    smooth = lfilter([1 - keep], [1, -keep], held)
    gain = -smooth * (1 - 1 / ratio) * np.log(10) / 20
    middle = (np.arange(blocks) + 0.5) * _BLOCK
    return song * np.exp(np.interp(np.arange(len(song)), middle, gain))


def _equalised(song: Sound, chosen: Mix) -> Sound:
    """Equalised towards the drawn spectral slope, octave by octave, by at most 9 dB."""
    blocks = song[: len(song) // _FRAME * _FRAME].reshape(-1, _FRAME)[::3] * np.hanning(_FRAME)
    density = (np.abs(np.fft.rfft(blocks)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)
    inside = [(frequency >= f / np.sqrt(2)) & (frequency < f * np.sqrt(2)) for f in _OCTAVES]
    level = 10 * np.log10(np.array([density[where].sum() for where in inside]) + 1e-12)
    target = chosen.slope * np.arange(len(_OCTAVES)) + np.array(chosen.colour)
    wanted = target - level
    change = np.clip(0.75 * (wanted - wanted.mean()), -9, 9)
    points = np.array([0, *_OCTAVES, SAMPLE_RATE / 2])
    response = firwin2(_TAPS, points, 10 ** (np.array([change[0], *change, change[-1] - 3]) / 20), fs=SAMPLE_RATE)
    return convolved(song, response)[_TAPS // 2 : _TAPS // 2 + len(song)]


def _medium(rng: np.random.Generator, samples: int, chosen: Mix) -> Sound:
    """Tape hiss, and on some records the crackle of vinyl."""
    noise = rng.normal(0, 10 ** (chosen.hiss_db / 20), samples)
    if chosen.crackle:
        clicks = np.zeros(samples)
        places = rng.integers(0, samples, samples // (SAMPLE_RATE // 8))
        clicks[places] = rng.exponential(0.02, len(places)) * rng.choice((-1, 1), len(places))
        noise += band(clicks, 800, 7000)
    return noise
