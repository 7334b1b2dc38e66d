"""Where the project, its prompts and the real data are."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("DSBS_DATA", ROOT.parent / "shared" / "data"))
TASKS = sorted(path.stem for path in (ROOT / "prompts").glob("*.yaml"))
DATA_FILES = Path(__file__).parent.parent / "data_files"
