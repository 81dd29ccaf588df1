"""The vocabulary every room shares: records, errors, safe text, clock, ids, places.

Nothing here touches a file, a process or a model, and nothing here imports another room.
"""
