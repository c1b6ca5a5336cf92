"""What stands in ML Metadata, for a person and for scripts. Imports neither tfx nor tensorflow.

`store` reads and writes the database, `entities.py` is what is read, `questions` answers from it, `gc` frees disk, `rendering`
shows answers to a person, `commands.py` is the command line.
"""
