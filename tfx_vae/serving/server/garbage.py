"""When Python looks for cycles of objects that nobody holds any more.

By itself it does so after every 700 new lists or dictionaries, and looks at all it knows of: TensorFlow's objects too. A
request of 256 images makes 200,000 lists, none of them in a cycle, and reading it takes ten times as long for that.
"""

import gc


def take_over_collection() -> None:
    """Leaves it to `collect`, and takes what is there by now out of its sight. For a process that does nothing but serve."""
    gc.disable()
    gc.collect()
    gc.freeze()


def collect(also_what_was_there: bool = False) -> None:
    """Frees what has become garbage since `take_over_collection`; without that, Python does it by itself.

    Args:
      also_what_was_there: Looks at what was there then too, such as a model that was unloaded by now.
    """
    if gc.isenabled():
        return
    if also_what_was_there:
        gc.unfreeze()
    gc.collect()
    if also_what_was_there:
        gc.freeze()
