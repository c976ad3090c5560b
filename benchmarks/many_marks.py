"""Hundreds of marks with one decay: value and gradient, preparation and memory.

Run as ``python -m benchmarks.many_marks``. Every case is a process of its own on one core, as in
`benchmarks.likelihood`.
"""

from __future__ import annotations

from benchmarks import record
from benchmarks.likelihood import Task, measure

TASKS = (
    Task("shared-20-1e5", 10**5, 20, "shared"),
    Task("shared-200-1e6", 10**6, 200, "shared", 300),
    Task("shared-1000-1e5", 10**5, 1000, "shared", 3000),
    Task("shared-1000-1e6", 10**6, 1000, "shared", 3000),
)


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--form", default="auto", help="the decayed counts' form")
    options.add_argument("--platform", default="cpu")
    given = options.parse_args()
    given.no_peers = True
    rows = []
    for task in TASKS:
        if record.wanted(task.name, given.cases):
            rows.append(measure(task, given))
            mine = rows[-1]["float64"]
            print(
                f"{task.name}: {mine['form']}, {mine['ns_per_event']:.0f} ns an event, prepared in "
                f"{mine['prepare_s']:.2f} s, {(mine['peak_bytes'] or 0) / 1e9:.2f} GB added, "
                f"first call {mine['first_s']:.1f} s",
                flush=True,
            )
    used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print(record.save("many_marks", rows, used, given.out))


if __name__ == "__main__":
    main()
