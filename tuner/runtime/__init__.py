"""What a program runs on: devices, threads, generators, seeds, signals, files."""
