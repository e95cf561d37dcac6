"""How fast Strata is, beside what else there is: `uv run python -m benchmarks`.

One file a suite; `harness` measures and prints, `peers` holds the tools that are compared with.
Nothing of Strata is imported, but for the parts that are measured in the process (`artifacts`,
`scheduler`).
"""
