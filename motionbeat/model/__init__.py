"""The dual encoder: rotation, attention, encoder, readout, heads; `motionbeat.model.dual_encoder` puts them together.

Nothing is imported here, so that the package can be named without loading torch.
"""
