"""The computer's resources: memory, devices, and a thread for loading models.

It imports no other room, and PyTorch only inside functions that need it.
"""
