"""Measures the program on a user's own history, models and machine: what `workbench bench` prints.

Every bench returns plain figures with the settings they were taken under; none of them changes anything in
the repository it looks at.
"""
