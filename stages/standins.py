"""-> data/standins: the embedded stand-in of every data set of the recognition tasks that is not there for real."""

from motionbeat import params
from motionbeat.corpora import downstream
from motionbeat.corpora.synthetic.downstream import generate
from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.tasks.recognition import STANDINS, is_standin


def main() -> None:
    tasks = params.load().tasks
    with whole_folder(STANDINS) as folder:
        for name in downstream.NAMES:
            if is_standin(name, tasks):
                generate(folder / name, name, tasks.standin_seed)


if __name__ == "__main__":
    run(main)
