"""-> data/standins: the synthetic stand-in of every data set of the recognition tasks that is not there for real."""

from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.lab import params, registry
from motionbeat.lab.standins.write_standins import generate
from motionbeat.lab.tasks.recognition_sets import STANDINS, is_standin


def main() -> None:
    tasks = params.load().tasks
    with whole_folder(STANDINS) as folder:
        for name in registry.names("data set"):
            if is_standin(name, tasks):
                generate(folder / name, name, tasks.standin_seed)


if __name__ == "__main__":
    run(main)
