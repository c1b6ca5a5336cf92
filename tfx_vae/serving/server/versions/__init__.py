"""Which version of the model answers: it is loaded, warmed up, switched to and let go of while requests go on."""
