"""Scores by name, for tests of what makes them."""

from collections.abc import Iterable

from motionbeat.lab.tasks.score_table import Score


def by_name(scores: Iterable[Score]) -> dict[tuple[str, str, str], Score]:
    """{(task, row, metric): score}, none of them twice."""
    listed = list(scores)
    found = {(score.task, score.row, score.metric): score for score in listed}
    assert len(found) == len(listed)
    return found


def values(scores: Iterable[Score], task: str, row: str) -> dict[str, float | None]:
    """{metric: value} of one row."""
    return {score.metric: score.value for score in scores if (score.task, score.row) == (task, row)}
