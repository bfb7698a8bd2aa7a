"""Rules that connect several sections of params.yaml."""

from motionbeat.lab.params.sections import Params


def contradictions(params: Params) -> list[str]:
    """Each broken rule: key, value and the expected value; empty if there is none."""
    wrong = []
    if params.model.width % (2 * params.model.heads):
        wrong.append(
            f"model.width = {params.model.width}; expected a multiple of 2 * model.heads = {2 * params.model.heads}"
        )
    if params.model.readout == "window_harmonic" and params.model.embedding % params.tokens.window_beats:
        wrong.append(
            f"model.embedding = {params.model.embedding}; expected a multiple of "
            f"tokens.window_beats = {params.tokens.window_beats} for model.readout = window_harmonic"
        )
    if params.beats.min_bpm >= params.beats.max_bpm:
        wrong.append(f"beats.min_bpm = {params.beats.min_bpm}; expected less than beats.max_bpm")
    mixed = params.corpus.names
    if len(set(mixed)) < len(mixed):
        wrong.append(f"corpus.name = {mixed}; expected each corpus once")
    if params.train.shares and (
        set(params.train.shares) != set(mixed) or abs(sum(params.train.shares.values()) - 1) > 1e-6
    ):
        wrong.append(
            f"train.shares = {params.train.shares}; expected a part of 1 for each of corpus.name = {mixed}, or {{}}"
        )
    longest = max([*params.beats.beats_per_bar, *params.corpus.meters])
    if params.model.max_beats_per_bar < longest:
        wrong.append(f"model.max_beats_per_bar = {params.model.max_beats_per_bar}; expected at least {longest}")
    if 0 in params.negatives.jitter_shifts:
        wrong.append("negatives.jitter_shifts contains 0; expected shifts that move the motion")
    if 0 in params.negatives.bar_shifts:
        wrong.append("negatives.bar_shifts contains 0; expected shifts that move the motion, or [] for none")
    parts = {shift: shift * params.tokens.subbeats for shift in params.negatives.jitter_shifts if shift}
    between = [shift for shift, moved in parts.items() if abs(moved - round(moved)) > 1e-3 or not round(moved)]
    if between:
        wrong.append(
            f"negatives.jitter_shifts contains {between[0]:g}; expected whole numbers of sub-beats, of which "
            f"tokens.subbeats = {params.tokens.subbeats} make a beat"
        )
    if params.tokens.lattice_min_s > params.tokens.lattice_max_s:
        wrong.append(
            f"tokens.lattice_min_s = {params.tokens.lattice_min_s}; expected at most "
            f"tokens.lattice_max_s = {params.tokens.lattice_max_s}"
        )
    if params.train.lattice_share and not params.tokens.lattices:
        wrong.append(
            f"train.lattice_share = {params.train.lattice_share} with tokens.lattices = 0; "
            "expected tokens.lattices of at least 1, or a share of 0"
        )
    if params.loss.tempo_negatives > params.negatives.tempo_per_anchor:
        wrong.append(
            f"loss.tempo_negatives = {params.loss.tempo_negatives}; "
            f"expected at most negatives.tempo_per_anchor = {params.negatives.tempo_per_anchor}"
        )
    if params.tasks.folds < 3:
        wrong.append(f"tasks.folds = {params.tasks.folds}; expected at least 3: for training, validation and test")
    if params.dance.width % (2 * params.dance.heads):
        wrong.append(
            f"dance.width = {params.dance.width}; expected a multiple of 2 * dance.heads = {2 * params.dance.heads}"
        )
    if 150 % params.dance.patch:
        wrong.append(f"dance.patch = {params.dance.patch}; expected a divisor of the 150 frames of a slice")
    return wrong
