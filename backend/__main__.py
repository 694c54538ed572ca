"""Where the command begins: `vintedbot`, or `python -m backend`.

Owns only that the rest is loaded without looking for garbage, of which there is none yet: a third of the time.
"""

import gc


def main() -> None:
    gc.disable()
    from backend.cli import main as command  # noqa: PLC0415 - what takes the time

    gc.freeze()
    gc.enable()
    command()


if __name__ == "__main__":
    main()
