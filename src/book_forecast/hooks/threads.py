"""One thread for the linear algebra of a run."""

import os

from kedro.framework.hooks import hook_impl
from threadpoolctl import threadpool_limits

# Read by the libraries behind NumPy and SciPy when they are loaded.
VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


class ThreadsHooks:
    """Gives the linear algebra of each node one thread.

    Matrices of weekly sales are small: further threads wait for each other, which takes longer
    than the work, by a multiple where the cores are shared. And threads change the order of sums:
    with one, the last digits do not depend on the number of cores.
    """

    @hook_impl
    def before_node_run(self) -> None:
        """Limit the libraries that are loaded, and those that the node will load."""
        for name in VARIABLES:
            os.environ[name] = "1"
        threadpool_limits(1, user_api="blas")
