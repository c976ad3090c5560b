"""Print the kept results as Markdown: the tables of ``docs/performance.md``.

Run as ``python -m benchmarks.report``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS


def kept(name: str, folder: Path) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def heading(title: str, result: dict[str, Any]) -> None:
    machine, versions = result["machine"], result["versions"]
    print(f"\n## {title}\n")
    print(
        f"{result['date'][:10]}, {machine['processor']}, one core; "
        f"jax {versions['jax']}, numpyro {versions['numpyro']}, Python {versions['python']}.\n"
    )


def likelihood(result: dict[str, Any]) -> None:
    heading("Value and gradient, ns an event", result)
    print("| case | float64 | float32 | bytes an event | peers (float64) |")
    print("|---|---|---|---|---|")
    for row in result["rows"]:
        single = row.get("float32")
        peers = [
            f"{peer['peer']} {peer['version']}: {peer['ns_per_event']:.0f}"
            for peer in row["peers"]
            if "ns_per_event" in peer
        ]
        print(
            f"| {row['case']} | {row['float64']['ns_per_event']:.1f} "
            f"| {single['ns_per_event']:.1f} |" if single else
            f"| {row['case']} | {row['float64']['ns_per_event']:.1f} | |",
            f"{row['float64']['bytes_per_event']:.0f} | {', '.join(peers)} |",
        )  # fmt: skip
    for row in result["rows"]:
        mine = row["float64"]
        if mine.get("exponentials_ns_per_event"):
            ratio = mine["ns_per_event"] / mine["exponentials_ns_per_event"]
            print(f"\n{row['case']}: {ratio:.1f} times its 4N exponentials alone.")
        if "precision" in row:
            off = row["precision"]["float32_relative_difference"]
            print(f"\n{row['case']}: float32 at 1.7e9 s is {off:.1e} off float64.")
        if "times_1e6" in row:
            print(f"\nTen times the events take {row['times_1e6']:.1f} times the time.")


def mle(result: dict[str, Any]) -> None:
    heading("Maximum likelihood, CPU seconds after compilation", result)
    print("| case | s | steps | gradient, nats an event | peers |")
    print("|---|---|---|---|---|")
    for row in result["rows"]:
        mine = row["second"]
        peers = [
            f"{peer['peer']} {peer['version']}: {peer['cpu_s']:.2f}"
            for peer in row["peers"]
            if "cpu_s" in peer
        ]
        print(
            f"| {row['case']} | {mine['cpu_s']:.2f} | {mine['steps']} "
            f"| {mine['gradient_nats_per_event']:.0e} | {', '.join(peers)} |"
        )


def nuts(result: dict[str, Any]) -> None:
    heading("NUTS, 4 chains of 500 + 1,000", result)
    print("| case | events | least bulk ESS a CPU second | R-hat at most | divergences |")
    print("|---|---|---|---|---|")
    for row in result["rows"]:
        mine = row["second"]
        print(
            f"| {row['case']} | {row['num_events']:,} | {mine['ess_per_cpu_s']:.0f} "
            f"| {mine['max_r_hat']:.4f} | {mine['divergences']} |"
        )


def gpu(result: dict[str, Any]) -> None:
    versions = result["rows"][0]["versions"]
    device = next(row["device"] for row in result["rows"] if row["platform"] != "cpu")
    print(f"\n## On a GPU\n\n{result['date'][:10]}, {device}, and one core of the")
    print(f"{result['machine']['processor']} beside it; jax {versions['jax']}. Gradients in ns an")
    print("event, fits in seconds, chains in gradients a second (4 chains, 5,000 events).\n")
    print("| case | form | precision | GPU | CPU |")
    print("|---|---|---|---|---|")
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in result["rows"]:
        if "skipped" in row:
            continue
        quantity = ("ns_per_event", ".2f"), ("gradients_per_s", ",.0f"), ("seconds", ".2f")
        name, digits = next(pair for pair in quantity if pair[0] in row)
        key = (row["case"], row["form"], row["dtype"])
        found.setdefault(key, {})[row["platform"]] = format(row[name], digits)
    for (case, form, dtype), shown in found.items():
        print(f"| {case} | {form} | {dtype} | {shown.get('gpu', '')} | {shown.get('cpu', '')} |")


def devices(result: dict[str, Any]) -> None:
    count = result["options"]["devices"]
    print(f"\n## {count} host devices against one\n")
    print(f"{result['date'][:10]}, {result['machine']['processor']}; wall time, in turns.\n")
    print(f"| case | events | one, s | {count}, s | times as fast |")
    print("|---|---|---|---|---|")
    for row in result["rows"]:
        print(
            f"| {row['case']} | {row['events']:,} | {row['one']:.3g} | {row['several']:.3g} "
            f"| {row['ratio']:.2f} |"
        )


SHOWN = {
    "pair-2-1e6": "2 kinds, decays by pair, 10^6 events",
    "pair-20-1e6": "20 kinds, decays by pair, 10^6 events",
    "source-20-1e6": "20 kinds, decays by source, 10^6 events",
    "fixed-20-1e6": "20 kinds, known decays, 10^6 events",
}


def summary(folder: Path = RESULTS) -> str:
    """The README's table: the latest run, and the latest run beside peers."""
    ours, beside = (kept(name, folder) for name in ("likelihood", "likelihood_peers"))
    assert ours is not None and beside is not None, f"no results in {folder}"
    lines = ["| ns an event | alone | beside peers | peers |", "|---|---|---|---|"]
    of = {row["case"]: row for row in ours["rows"]}
    for row in beside["rows"]:
        if row["case"] in SHOWN:
            peers = [p for p in row["peers"] if "ns_per_event" in p]
            shown = ", ".join(f"{p['peer']} {p['ns_per_event']:,.0f}" for p in peers)
            times = [of[row["case"]]["float64"]["ns_per_event"], row["float64"]["ns_per_event"]]
            lines.append(f"| {SHOWN[row['case']]} | {times[0]:.0f} | {times[1]:.0f} | {shown} |")
    runs = [f"{run['date'][:10]}, {run['machine']['processor']}" for run in (ours, beside)]
    lines.append(f"\nAlone: {runs[0]}. Beside peers, in one run: {runs[1]}. One core, float64.")
    return "\n".join(lines)


def show(folder: Path = RESULTS) -> None:
    """Print the tables of the records in a folder."""
    shows = (
        ("likelihood", likelihood),
        ("likelihood_peers", likelihood),
        ("mle", mle),
        ("mle_peers", mle),
        ("nuts", nuts),
        ("devices", devices),
        ("gpu", gpu),
    )
    for name, table in shows:
        result = kept(name, folder)
        if result is None:
            continue
        if name.endswith("_peers"):
            print("\nAn earlier version on another machine, beside its peers in the same run:")
        table(result)


if __name__ == "__main__":
    show()
    print(f"\n## Of the README\n\n{summary()}")
