"""The dual encoder: rotation, attention, encoder, readout, heads; `motionbeat.model.dual_encoder` combines them.

Nothing is imported here, so that importing the package does not load torch.
"""
