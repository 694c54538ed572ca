"""Changes the key of a data folder and dies at the step it is told: `rotating_process.py FOLDER STEP`."""

import os
import signal
import sys
from pathlib import Path

from backend.accounts.keys import KeyFile, Step, rotate
from backend.db.engine import Database
from backend.settings import Settings


def main(folder: Path, last: str) -> None:
    def die(step: Step) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    rotate(Database(Settings(data=folder).database), KeyFile(folder / "secret.key"), after=die)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
