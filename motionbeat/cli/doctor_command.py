"""`motionbeat doctor`: checks packages, device, licences, model, data sets, cache and pipeline."""

from pathlib import Path

import typer

from motionbeat.cli.command_options import DEFAULT_MODEL, JsonOption, ModelOption, print_json


def doctor(model: ModelOption = DEFAULT_MODEL, as_json: JsonOption = False) -> None:
    """Look at the installation and at this folder, and say what is missing and how to get it.

    Packages and extras with their versions, the device, licences that bind, the model, the data sets that params.yaml
    names, the cache, and what `dvc repro` would run. Nothing is changed. The exit status is 1 if there is a problem;
    what is merely not installed or not there yet is a note.

    Example: motionbeat doctor, or motionbeat doctor --json
    """
    from attrs import asdict

    from motionbeat.cli.health import PROBLEM, examine

    findings = examine(Path(model))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        topic = ""
        for finding in findings:
            if finding.topic != topic:
                topic = finding.topic
                print(f"{topic}")
            print(f"  {finding.state:<8}{finding.name:<18} {finding.detail}")
    if any(finding.state == PROBLEM for finding in findings):
        raise typer.Exit(1)
