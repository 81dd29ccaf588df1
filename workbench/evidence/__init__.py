"""Carries the record to those who must see it elsewhere: SIEM collectors and auditors."""

from workbench.evidence.keeper import Keeper
from workbench.evidence.spool import spool_file
from workbench.evidence.syslog import frame, message
from workbench.evidence.verifier import second_verifier

__all__ = ["Keeper", "frame", "message", "second_verifier", "spool_file"]
