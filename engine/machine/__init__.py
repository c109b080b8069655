"""The computer's resources.

    memory.py   memory that is available, and returning what was freed
    devices.py  the CPU, or a GPU that PyTorch can use
    gpus.py     the names of GPUs, without PyTorch
    threads.py  on how many threads to run while other programs use the cores too
    loader.py   the thread that models are loaded on

It imports no other room, and PyTorch only inside functions that need it.
"""
