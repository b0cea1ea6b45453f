"""`python -m benchmarks.corpus DIR [--seed N]`: write the corpus into a folder."""

import argparse
import sys
from pathlib import Path

from benchmarks.corpus.files import SEED, write_corpus


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args(arguments)
    print(f"{write_corpus(chosen.folder, chosen.seed):,} files in {chosen.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
