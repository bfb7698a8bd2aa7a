"""Small heads: the rhythm that each encoder predicts, and the contact probability that guides attention.

Axes: b batch, k beats, d width, s sub-beats.
"""

from torch import Tensor, nn


class RhythmHead(nn.Module):
    """Token states -> logits of an event curve and of the mass within a bar, one per sub-beat.

    Audio: onsets and accent mass. Motion: contact pulses and energy mass. The curve's sigmoid is a
    strength in 0..1; the mass is the softmax of the logits of all B * S sub-beats of one bar.
    """

    def __init__(self, width: int, subbeats: int) -> None:
        super().__init__()
        self.curve = nn.Linear(width, subbeats)
        self.mass = nn.Linear(width, subbeats)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """(b, k, d) -> curve logits (b, k, s), mass logits (b, k, s)."""
        return self.curve(states), self.mass(states)


class ContactHead(nn.Module):
    """Z-scored motion tokens -> logits of r_t, the probability that a foot contact begins (eqs. 8-9).

    One number per beat as in the paper, or one per sub-beat. The input is a single beat, since guidance is needed
    before the first attention layer.
    """

    def __init__(self, token: int, hidden: int, contacts: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(token, hidden), nn.GELU(), nn.Linear(hidden, contacts))

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, k, token) -> (b, k, contacts)."""
        return self.layers(tokens)
