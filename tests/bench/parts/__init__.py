"""One file per group of figures. Each has `run(stage, size, shown)`: it prints nothing, adds its keys to
`shown` and returns the sentences of rules that were broken (goals are judged in goals.py)."""
