"""The queue: which jobs wait, run or have ended, and which of them start."""
