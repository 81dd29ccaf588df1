"""Readings from bedside monitors: averages, trends and alarm windows."""
