"""Says what a proposal must pass before a person sees it, and shows the evidence for each verdict."""

from workbench.checks.draft import Draft
from workbench.checks.run import CHECKS, passed, risk_of, run_checks

__all__ = ["CHECKS", "Draft", "passed", "risk_of", "run_checks"]
