"""The parts of the page, a module each: a function from Findings to a Section."""
