"""``make bench``: measures, prints, and rewrites docs/benchmarks.md. It asserts nothing; ratios are for people."""

from __future__ import annotations

from tests.bench import addresses, line, load, noise, report


def main() -> None:
    sections = [("the addresses", addresses.measure), ("the line", line.measure), ("the storm", line.measure_storm)]
    for section, measure in sections:
        measured = []
        for one in measure():
            measured.append(one)
            print(f"{one.name}: {one.ratio:.2f} of the limit", flush=True)  # noqa: T201
        content = report.table(measured)
        report.write(section, content)
        print(f"\n{content}\n")  # noqa: T201
    content = load.measure()
    report.write("the load", content)
    print(f"\n{content}\n")  # noqa: T201
    quiet = list(noise.measure())
    content = noise.table(quiet)
    report.write("the noise", content)
    print(f"\n{content}\n")  # noqa: T201


if __name__ == "__main__":
    main()
