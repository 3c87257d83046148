"""``make bench``: measures, prints, and rewrites docs/benchmarks.md. It asserts nothing; ratios are for people."""

from __future__ import annotations

from tests.bench import line, report


def main() -> None:
    measured = []
    for one in line.measure():
        measured.append(one)
        print(f"{one.name}: {one.ratio:.2f} of the limit", flush=True)  # noqa: T201
    content = report.table(measured)
    report.write("the line", content)
    print(f"\n{content}")  # noqa: T201


if __name__ == "__main__":
    main()
