"""Workers on a Ray cluster. Nothing is imported here: the reaper is a process that needs no Ray."""
