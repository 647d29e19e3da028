"""``make real``: recorded data through the product, the source's own number beside ours.

Reads ``$DATA`` (default ``../shared/data`` beside the repository). Exits 1 when a row fails.
"""

import importlib
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

PARTS = {
    "modbus_pcaps": "real_modbus_pcaps",
    "uci_steel_energy": "real_steel",
    "nist_smstb_hurco01_parts, nist_mtc_cover_plate": "real_parts",
    "verifi_peanuts, opendsm_samples, lbnl_rmv2_pair1": "real_models",
    "nist_smstb_fleet_2018q2": "real_fleet",
    "nist_smstb_mazak01 (half a year)": "real_mazak01_history",
    "nist_smstb_mazak01 (one day, live)": "real_mazak01_live",
}


def main() -> int:
    """Run every part, or those whose module is named as an argument; return the exit code."""
    from real_table import render

    data = Path(os.environ.get("DATA", HERE.parents[2] / "shared" / "data")).resolve()
    if not data.is_dir():
        print(f"{data}: no such folder; set DATA to the recorded data", file=sys.stderr)
        return 3
    failed = 0
    for title, module in PARTS.items():
        if sys.argv[1:] and module not in sys.argv[1:]:
            continue
        started = time.monotonic()
        found = importlib.import_module(module).rows(data)
        print(f"\n{title}  ({time.monotonic() - started:.0f} s)")
        print(render(found))
        failed += sum(not row.passed for row in found)
    print(f"\n{failed} failed" if failed else "\nevery row passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
