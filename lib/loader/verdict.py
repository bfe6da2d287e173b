"""What the loader has decided at this boot, for the program that runs now."""

chosen = None  # the file set that runs; None: the rescue program, or there is no loader
trial = False  # is this set, or config.txt, on trial?

FAILED = 4  # as the count of boots: what is on trial goes back at the next one
