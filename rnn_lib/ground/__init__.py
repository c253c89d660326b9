"""What the house stands on: checks of arguments, verdicts, random streams, threads, the progress bar. No mathematics."""
