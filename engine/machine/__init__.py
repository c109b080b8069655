"""The computer's resources: memory, devices, threads to compute on, and one for loading models.

It imports no other room, and PyTorch only inside functions that need it.
"""
