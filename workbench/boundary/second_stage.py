"""Runs one of our modules from the very package that this file lies in, whatever the search path says.

A script, started by `restart.command` as `second_stage.py MODULE ARGUMENT...` in an isolated interpreter.
Finding the package by place and not by name is what makes a `workbench/` in the current directory
harmless. The package's root goes to the *end* of the search path, for children that start by module name:
there it can shadow nothing.
"""

import os.path
import runpy
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

PACKAGE = "workbench"


def adopt(root: str) -> None:
    """Load our package from the directory `root` and from nowhere else.

    Raises:
        ImportError: It is not there.
    """
    spec = PathFinder.find_spec(PACKAGE, [root])
    if spec is None or spec.loader is None:
        raise ImportError(f"{PACKAGE} is not in {root}", name=PACKAGE)
    package = module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    if root not in sys.path:
        sys.path.append(root)


# A worker that multiprocessing spawns runs this file again, as `__mp_main__`, before it loads its task, and
# so gets the same package. That is also why `runpy` must not put another module in our place.
if __name__ in ("__main__", "__mp_main__"):
    adopt(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

if __name__ == "__main__":
    module = sys.argv.pop(1)
    sys.argv[0] = module
    runpy.run_module(module, run_name="__main__")
