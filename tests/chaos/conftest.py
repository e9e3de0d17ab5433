import sys
from pathlib import Path

# What starts the processes and asks them is shared with the integration tests.
sys.path.append(str(Path(__file__).parents[1] / "integration"))
