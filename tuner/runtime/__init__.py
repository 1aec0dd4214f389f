"""The machine and the process: devices, threads, generators, seeds, signals, files."""
