"""What the house stands on: checks of arguments, verdicts, random streams, threads, waiting. No mathematics."""
