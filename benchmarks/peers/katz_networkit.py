"""One Katz solve by networkit; prints its version and CPU seconds. Run in networkit's Python.

networkit gives (1 + beta) c - 1, normalised, with a constant start vector: its cost is compared,
its scores have another meaning.
"""

import sys
import time

import networkit as nk
import numpy as np


def main() -> None:
    path, alpha = sys.argv[1:]
    edges = np.load(path)
    nk.setNumberOfThreads(1)
    graph = nk.Graph(int(edges["users"]), directed=True)
    ends = (edges["sender"].astype(np.uint64), edges["listener"].astype(np.uint64))
    graph.addEdges(ends)
    centrality = nk.centrality.KatzCentrality(graph, float(alpha), 0.1, 1e-8)
    start = time.process_time()
    centrality.run()
    print(nk.__version__, time.process_time() - start)


if __name__ == "__main__":
    main()
