"""Workbench: an agent workbench for the terminal whose model, code and record never leave the machine."""

__version__ = "0.1.0"
