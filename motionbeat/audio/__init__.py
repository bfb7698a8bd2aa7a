"""Signals from music: File2Samples (`decode`), Samples2Mel (`mel`) and Mel2Onsets (`onsets`)."""
