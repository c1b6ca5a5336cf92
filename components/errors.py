"""What can go wrong in a way that a person can mend.

The message of each is one sentence, or a few short lines, that says what is wrong, where, and how to mend it. The command line
prints the message alone; the traceback goes to the log.
"""


class PipelineError(Exception):
    """A run cannot go on, and the message says why. Exit status 1."""


class ConfigurationError(PipelineError):
    """What was asked for cannot be done: a wrong key, value, path or dataset. Exit status 2."""


class DataError(PipelineError):
    """The data that was read is missing, corrupt, or not what the schema says."""


class TrainingDivergedError(PipelineError):
    """The loss became NaN or infinite."""
