"""What the computer gives: memory, devices, and a thread for loads.

It imports no other room, and PyTorch only inside functions that need it.
"""
