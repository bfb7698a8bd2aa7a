"""Name2Encoder: open a frozen encoder by its name in params.yaml, and check early that all can be loaded.

| name       | frames/s | D    | what                                                                                |
|------------|----------|------|-------------------------------------------------------------------------------------|
| motionbeat | 50       | 128  | the trained audio encoder in grid mode: last state before the projection, no tracker |
| motionbeat_timbre | 50 | 384  | the same, and the mean of its input that centring removes: timbre        |
| random     | 50       | 128  | the same network with untrained weights                                             |
| mel        | 50       | 128  | the log-mel spectrogram that its tokens are pooled from                             |
| musicnn    | 62.5     | 753  | musicnn (Pons & Serra 2019): front end and mid-end of a tagger                      |
| wav2vec2   | 50       | 768  | wav2vec 2.0 (Baevski et al. 2020): last hidden state                                |
| clap       | 3.2      | 1024 | CLAP (Wu et al. 2023): last hidden state of HTSAT, before the projection            |
| wav2clip   | 10       | 512  | Wav2CLIP (Wu et al. 2022): windows of 1 s                                           |
| jukebox    | 43.1     | 4800 | Jukebox (Dhariwal et al. 2020): a layer of the top prior, as Castellon et al. 2021  |
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, registry

if TYPE_CHECKING:
    from motionbeat.lab.encoders.frame_encoder import EncoderKind, FrozenEncoder


def kind_of(name: str) -> "EncoderKind":
    """How the encoder `name` is opened and run; `MotionBeatError` for an unknown name."""
    kind: EncoderKind = registry.module_of("encoder", name).ENCODERS[name]
    return kind


def open_encoder(name: str, settings: params.Encoders) -> "FrozenEncoder":
    """The encoder `name`, with its weights loaded.

    Raises `MotionBeatError` for an unknown name, and if weights or a package are missing; it names the id or folder,
    the key in params.yaml and what to install.
    """
    return kind_of(name).open(settings)


def check(names: Iterable[str], settings: params.Encoders) -> dict[str, str]:
    """Open each encoder once, before any long work; returns the identity of each by name.

    Raises one `MotionBeatError` that lists all encoders that cannot be loaded, with reason and fix.
    """
    identities, wrong = {}, []
    for name in names:
        try:
            identities[name] = open_encoder(name, settings).identity
        except MotionBeatError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        count = "an encoder" if len(wrong) == 1 else f"{len(wrong)} encoders"
        raise MotionBeatError(f"{count} of encoders.names cannot be loaded\n  " + "\n  ".join(wrong))
    return identities
