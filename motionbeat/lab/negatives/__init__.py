"""Tempo and jitter negatives, mined once and stored with the measurements that justify each pair."""
