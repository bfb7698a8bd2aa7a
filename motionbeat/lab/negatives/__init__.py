"""Tempo and jitter negatives, mined once and stored with the numbers that justify each pair."""
