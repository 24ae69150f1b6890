"""The benchmark: its captures, the tool and its peers in alternating runs, the page that shows the result.

    generate, recorded -> captures -> workloads -> measure -> figures -> page, plot
    (make files)          (cache)     (what runs)  (runs)     (medians)  (docs/performance.md)

`python benchmarks` does all of it; `python benchmarks/guard.py` is the short one for every change.
"""
